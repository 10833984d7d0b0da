/**
 * The bounds of flags and of the files that they name. Everything that such a text can make grow has one: its octets
 * before it is read, its depth and its parts before anything is built of it, and the problems that are said of it.
 */

/** A file of flags is written by people. */
export const FLAGS_FILE_OCTETS_MAX = 1024 * 1024;
/** Every pair of --max-tunnels at its highest (250,000), of IPv6 addresses. */
export const SESSION_FILE_OCTETS_MAX = 32 * 1024 * 1024;
/** Limit on a tunnels file, enough for as many addresses of peers. */
export const TUNNELS_FILE_OCTETS_MAX = 16 * 1024 * 1024;
/** The session file nests to 6. */
export const JSON_DEPTH_MAX = 16;
/** Values, keys and punctuation: of 250,000 addresses, or of 70,000 sessions with an address at each end. */
export const JSON_TOKENS_MAX = 1_000_000;
/** Limit on the pieces that YAML's parser works on: marks, texts, blanks between them, ends of lines. */
export const YAML_LEXEMES_MAX = 1_500_000;
/** Limit on one text, comment or blank. */
export const YAML_LEXEME_CHARACTERS_MAX = 65_536;
/** Topologies nest to 9. The parser calls itself for each level, and ends the process when it has no stack left. */
export const YAML_DEPTH_MAX = 32;
/** Tags (!a); the formats have none. Anchors (&a), and aliases (*a). */
export const YAML_TAGS_MAX = 100;
export const YAML_ANCHORS_MAX = 1000;
export const YAML_ALIASES_MAX = 1000;
/** Maps, lists and texts, those behind an alias counted wherever it stands. */
export const YAML_VALUES_MAX = 1_000_000;
/** Limit on the errors that YAML's parser may find. */
export const YAML_SYNTAX_ERRORS_MAX = 1000;
/** The YAML file of --config: every pair of --max-tunnels at its highest, as in a session file. */
export const CONFIG_FILE_OCTETS_MAX = 32 * 1024 * 1024;
/** Names by which one peer is known. */
export const IDENTITIES_MAX = 16;
/** Prefixes of one peer's underlay. */
export const UNDERLAY_PREFIXES_MAX = 16;
/** Limit on a flag's value: 1,400 IPv6 addresses. Checking may take time by the square of its length. */
export const FLAG_CHARACTERS_MAX = 65_536;
/** Places for sessions that addresses and prefixes of peers make by being listed. */
export const TUNNELS_LISTED_MAX = 65_536;
/** Limit on a list of representors, whose pattern has to be tried in several ways. */
export const REPRESENTOR_CHARACTERS_MAX = 255;
/** Limit on the number of a PF, VF or SF: PCI's SR-IOV counts VFs in 16 bits. */
export const REPRESENTOR_NUMBER_MAX = 65_535;
/** More are counted, and not kept. */
export const PROBLEMS_MAX = 1000;
/** Limit on the text of a problem, which may quote what is wrong. */
export const PROBLEM_CHARACTERS_MAX = 600;
/** Limit on a value that is quoted in it. */
export const QUOTED_CHARACTERS_MAX = 90;
/** Names that are looked for among the known ones, of one file or command line; nobody reads more of them. */
export const SUGGESTIONS_MAX = 100;
/** Limit on such a name. */
export const SUGGESTION_CHARACTERS_MAX = 64;
