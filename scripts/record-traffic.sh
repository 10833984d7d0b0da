#!/usr/bin/env bash
# Records examples/traffic/v1-v2.pcap: real programs between two network namespaces, V1 and V2, seen on V1's interface.
# Needs root and, from Debian: iproute2 iputils-ping bind9-dnsutils dnsmasq-base curl iperf3 tcpdump ethtool python3.
set -euo pipefail
cd "$(dirname "$0")/.."
out=examples/traffic/v1-v2.pcap
# Names that nobody else has: namespaces of these names are deleted at the end.
v1=psp-v1-$$ v2=psp-v2-$$
work=$(mktemp -d)
# 1400 octets: what an IPv6 tunnel leaves of 1500 is 1412.
mtu=1400

clean_up() {
  ip netns pids "$v1" 2>/dev/null | xargs -r kill 2>/dev/null || true
  ip netns pids "$v2" 2>/dev/null | xargs -r kill 2>/dev/null || true
  ip netns del "$v1" 2>/dev/null || true
  ip netns del "$v2" 2>/dev/null || true
  rm -rf "$work"
}
trap clean_up EXIT

ip netns add "$v1"
ip netns add "$v2"
ip link add eth0 netns "$v1" address 02:00:00:00:01:33 mtu "$mtu" type veth peer name eth0 netns "$v2" address 02:00:00:00:02:55
ip -n "$v2" link set eth0 mtu "$mtu"
for n in "$v1:33" "$v2:55"; do
  ns=${n%%:*} host=${n##*:}
  ip netns exec "$ns" ethtool -K eth0 tx off rx off tso off gso off gro off >/dev/null
  ip -n "$ns" addr add "192.168.1.$host/24" dev eth0
  ip -n "$ns" addr add "fd00:0:0:1::$host/64" dev eth0 nodad
  ip -n "$ns" link set eth0 up
  ip -n "$ns" link set lo up
done
in1() { ip netns exec "$v1" "$@"; }
in2() { ip netns exec "$v2" "$@"; }

printf '192.168.1.55 v2.example\nfd00:0:0:1::55 v2.example\n' > "$work/hosts"
in2 dnsmasq --no-daemon --no-resolv --no-hosts --addn-hosts="$work/hosts" --pid-file= >/dev/null 2>&1 &
head -c 120000 /dev/urandom > "$work/file"
(cd "$work" && in2 python3 -m http.server --bind :: 8080 >/dev/null 2>&1) &
in2 iperf3 -s >/dev/null &
sleep 1
in1 tcpdump -i eth0 -w "$work/all.pcap" -U --immediate-mode 2>/dev/null &
sleep 1
in1 ping -c 3 -i 0.2 192.168.1.55
in1 ping -6 -c 3 -i 0.2 fd00:0:0:1::55
in1 dig +short @192.168.1.55 v2.example A
in1 dig +short @fd00:0:0:1::55 v2.example AAAA
in1 curl -s -o "$work/copy4" http://192.168.1.55:8080/file
in1 curl -s -o "$work/copy6" 'http://[fd00:0:0:1::55]:8080/file'
cmp "$work/file" "$work/copy4"
cmp "$work/file" "$work/copy6"
in1 iperf3 -c 192.168.1.55 -n 300K
in1 iperf3 -c fd00:0:0:1::55 -n 300K
in1 iperf3 -c 192.168.1.55 -u -b 4M -l 1000 -n 200K
sleep 1
ip netns pids "$v1" | xargs -r kill -INT
sleep 1
cp "$work/all.pcap" "$out"
ls -l "$out"
