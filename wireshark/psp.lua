-- Wireshark and tshark: PSP (PSP Architecture Specification, "PSP Header Format"), UDP destination port 1000.
--
--     tshark -X lua_script:wireshark/psp.lua -r FILE -V
--
-- Nothing is decrypted here; docs/wireshark.md says how to. All fields of a packet that is malformed are shown as far
-- as its length allows, with expert information on what is wrong.

local HEADER_OCTETS = 16
local COOKIE_OCTETS = 8
local ICV_OCTETS = 16
local IV_END = 16
local VERSION_GMAC_128 = 2
local VERSION_MAX = 3

-- Another plugin, or a release of Wireshark that we have not seen, may own the name: then ours loads beside it, with the
-- same fields.
local free, psp = pcall(Proto, "psp", "PSP Security Protocol")
if not free then
  psp = Proto("psp_gateway", "PSP Security Protocol (psp-gateway)")
end

local NEXT_HEADERS = {
  [1] = "ICMP",
  [4] = "IPv4 (tunnel mode)",
  [6] = "TCP",
  [17] = "UDP",
  [41] = "IPv6 (tunnel mode)",
  [58] = "ICMPv6",
  [132] = "SCTP",
}
local VERSIONS = { [0] = "AES-GCM-128", [1] = "AES-GCM-256", [2] = "AES-GMAC-128", [3] = "AES-GMAC-256" }

local field = {
  nexthdr = ProtoField.uint8("psp.nexthdr", "Next Header", base.DEC, NEXT_HEADERS),
  hdrextlen = ProtoField.uint8("psp.hdrextlen", "Header Extension Length", base.DEC, nil, nil,
    "8-octet units, the first 8 octets not counted"),
  reserved = ProtoField.uint8("psp.reserved", "Reserved", base.DEC, nil, 0xc0),
  cryptoffset = ProtoField.uint8("psp.cryptoffset", "Crypt Offset", base.DEC, nil, 0x3f,
    "4-octet units from the end of the IV"),
  sample = ProtoField.bool("psp.sample", "Sample at receiver (S)", 8, nil, 0x80),
  drop = ProtoField.bool("psp.drop", "Drop after sampling (D)", 8, nil, 0x40),
  version = ProtoField.uint8("psp.version", "Version", base.DEC, VERSIONS, 0x3c),
  is_virt = ProtoField.bool("psp.is_virt", "Virtualization Cookie present (V)", 8, nil, 0x02),
  one = ProtoField.bool("psp.one", "Always one", 8, nil, 0x01),
  spi = ProtoField.uint32("psp.spi", "Security Parameters Index", base.HEX),
  iv = ProtoField.uint64("psp.iv", "Initialization Vector", base.HEX),
  vc = ProtoField.uint64("psp.vc", "Virtualization Cookie", base.HEX),
  ext = ProtoField.bytes("psp.ext", "Extension fields"),
  dw6 = ProtoField.uint32("psp.dw6", "Word 6", base.HEX),
  dw7 = ProtoField.uint32("psp.dw7", "Word 7", base.HEX),
  dw8 = ProtoField.uint32("psp.dw8", "Word 8", base.HEX),
  dw9 = ProtoField.uint32("psp.dw9", "Word 9", base.HEX),
  clear = ProtoField.bytes("psp.clear", "Payload, not encrypted"),
  payload = ProtoField.bytes("psp.payload", "Payload, encrypted"),
  icv = ProtoField.bytes("psp.icv", "Integrity Check Value"),
}
psp.fields = field

local function malformed(name, text)
  return ProtoExpert.new(name, text, expert.group.MALFORMED, expert.severity.ERROR)
end
local problem = {
  too_short = malformed("psp.too_short", "Too short for a PSP header and an ICV"),
  header_past_end = malformed("psp.header_past_end", "The header is longer than the packet has room for"),
  hdrextlen_too_small = malformed("psp.hdrextlen_too_small", "Header Extension Length has no room for the header that V says it is"),
  offset_past_end = malformed("psp.offset_past_end", "The crypt offset points past the end of the payload"),
  reserved_version = malformed("psp.reserved_version", "Reserved version"),
  zero_spi = malformed("psp.zero_spi", "The low 31 bits of the SPI are zero"),
  zero_one = ProtoExpert.new("psp.zero_one", "The bit that is always one is zero", expert.group.PROTOCOL,
    expert.severity.WARN),
  reserved_set = ProtoExpert.new("psp.reserved_set", "Reserved bits are set", expert.group.PROTOCOL,
    expert.severity.NOTE),
  vc_encrypted = ProtoExpert.new("psp.vc_encrypted", "The crypt offset leaves the cookie encrypted",
    expert.group.DECRYPTION, expert.severity.NOTE),
  cut = ProtoExpert.new("psp.cut", "The packet was captured in part", expert.group.UNDECODED, expert.severity.NOTE),
}
psp.experts = problem

-- The rest of the header, from the end of the IV on, the payload and the ICV. `len` is the datagram's, on the wire.
local function dissect_after_iv(tvb, tree, len, h)
  local payload_end = len - ICV_OCTETS
  local header_end = (h.hdrextlen + 1) * 8
  local needed = HEADER_OCTETS + (h.virt and COOKIE_OCTETS or 0)

  -- Adds [from, to), as far as it was captured; gives undefined when nothing of it was.
  local function add(f, from, to)
    to = math.min(to, tvb:len())
    if from < to then
      return tree:add(f, tvb(from, to - from))
    end
  end

  if header_end < needed then
    tree:add_proto_expert_info(problem.hdrextlen_too_small)
    return
  end
  if header_end > payload_end then
    tree:add_proto_expert_info(problem.header_past_end)
    return
  end
  local gmac = h.version >= VERSION_GMAC_128 and h.version <= VERSION_MAX
  local encrypted_from = gmac and payload_end or IV_END + 4 * h.cryptoffset
  if h.virt and tvb:len() >= needed then
    local cookie = tree:add(field.vc, tvb(IV_END, COOKIE_OCTETS))
    if encrypted_from < needed then
      cookie:add_proto_expert_info(problem.vc_encrypted)
    end
  end
  local ext = add(field.ext, needed, header_end)
  for word = 6, 9 do
    local from = 4 * (word - 1)
    if from >= needed and from + 4 <= math.min(header_end, tvb:len()) then
      ext:add(field["dw" .. word], tvb(from, 4))
    end
  end
  if encrypted_from > payload_end then
    tree:add_proto_expert_info(problem.offset_past_end)
    encrypted_from = payload_end
  end
  add(field.clear, header_end, encrypted_from)
  add(field.payload, math.max(header_end, encrypted_from), payload_end)
  if tvb:len() == len then
    tree:add(field.icv, tvb(payload_end, ICV_OCTETS))
  end
end

function psp.dissector(tvb, pinfo, root)
  -- The table of ports is asked for either port; PSP is known by the destination alone.
  if pinfo.match_uint ~= pinfo.dst_port then
    return 0
  end
  local len = tvb:reported_len()
  pinfo.cols.protocol = "PSP"
  local tree = root:add(psp, tvb())
  if tvb:len() < len then
    tree:add_proto_expert_info(problem.cut)
  end
  if len < HEADER_OCTETS + ICV_OCTETS then
    tree:add_proto_expert_info(problem.too_short)
    pinfo.cols.info = string.format("malformed: %d octets", len)
  end
  if tvb:len() < HEADER_OCTETS then
    return tvb:len()
  end

  local h = {
    hdrextlen = tvb(1, 1):uint(),
    cryptoffset = tvb(2, 1):bitfield(2, 6),
    version = tvb(3, 1):bitfield(2, 4),
    virt = tvb(3, 1):bitfield(6, 1) == 1,
    spi = tvb(4, 4):uint(),
  }
  tree:add(field.nexthdr, tvb(0, 1))
  tree:add(field.hdrextlen, tvb(1, 1)):append_text(string.format(" (%d octets)", (h.hdrextlen + 1) * 8))
  local reserved = tree:add(field.reserved, tvb(2, 1))
  if tvb(2, 1):bitfield(0, 2) ~= 0 then
    reserved:add_proto_expert_info(problem.reserved_set)
  end
  tree:add(field.cryptoffset, tvb(2, 1)):append_text(string.format(" (%d octets)", h.cryptoffset * 4))
  tree:add(field.sample, tvb(3, 1))
  tree:add(field.drop, tvb(3, 1))
  local version = tree:add(field.version, tvb(3, 1))
  if h.version > VERSION_MAX then
    version:add_proto_expert_info(problem.reserved_version)
  end
  tree:add(field.is_virt, tvb(3, 1))
  local one = tree:add(field.one, tvb(3, 1))
  if tvb(3, 1):bitfield(7, 1) == 0 then
    one:add_proto_expert_info(problem.zero_one)
  end
  local spi = tree:add(field.spi, tvb(4, 4))
  if h.spi % 0x80000000 == 0 then
    spi:add_proto_expert_info(problem.zero_spi)
  end
  tree:add(field.iv, tvb(8, 8))
  tree:append_text(string.format(", SPI 0x%08x", h.spi))
  if len >= HEADER_OCTETS + ICV_OCTETS then
    pinfo.cols.info = string.format("SPI 0x%08x, %s, %s", h.spi, VERSIONS[h.version] or "reserved version",
      NEXT_HEADERS[tvb(0, 1):uint()] or string.format("next header %d", tvb(0, 1):uint()))
    dissect_after_iv(tvb, tree, len, h)
  end
  return tvb:len()
end

psp.prefs.port = Pref.uint("UDP port", 1000, "UDP destination port of PSP")

local ports = DissectorTable.get("udp.port")
local port = psp.prefs.port
ports:add(port, psp)

function psp.prefs_changed()
  if port ~= psp.prefs.port then
    ports:remove(port, psp)
    port = psp.prefs.port
    ports:add(port, psp)
  end
end
