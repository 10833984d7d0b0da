/** The file's content as TypeScript sees it once the schema has let it through (schema.ts says what each means). */
import type { Static } from 'typebox';
import type {
  EXTERNAL,
  FILE,
  FULL_MESH_MAP,
  GATEWAY,
  INSIDER,
  LEAF_SPINE,
  LINK,
  NODE,
  TOPOLOGY,
} from './schema.js';
import type { SCENARIO } from './schema-scenario.js';

export type ParsedFile = Static<typeof FILE>;
export type ParsedTopology = Static<typeof TOPOLOGY>;
export type ParsedNode = Static<typeof NODE>;
export type ParsedGateway = Static<typeof GATEWAY>;
export type ParsedInsider = Static<typeof INSIDER>;
export type ParsedExternal = Static<typeof EXTERNAL>;
export type ParsedWorkload = NonNullable<ParsedGateway['workloads']>[string];
export type ParsedLink = Static<typeof LINK>;
export type ParsedLinkValues = Omit<ParsedLink, 'endpoints'>;
export type ParsedFullMesh = Static<typeof FULL_MESH_MAP>;
export type ParsedLeafSpine = Static<typeof LEAF_SPINE>;
export type ParsedScenario = Static<typeof SCENARIO>;
