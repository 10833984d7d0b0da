/** The file's content as TypeScript sees it once the schema has let it through (schema.ts says what each means). */
import type { Static } from 'typebox';
import type { FILE, FULL_MESH_MAP, GATEWAY, INSIDER, LEAF_SPINE, LINK, NODE, TOPOLOGY } from './schema.js';
import type { SCENARIO } from './schema-scenario.js';

export type FileForm = Static<typeof FILE>;
export type TopologyForm = Static<typeof TOPOLOGY>;
export type NodeForm = Static<typeof NODE>;
export type GatewayForm = Static<typeof GATEWAY>;
export type InsiderForm = Static<typeof INSIDER>;
export type WorkloadForm = NonNullable<GatewayForm['workloads']>[string];
export type LinkForm = Static<typeof LINK>;
export type LinkValuesForm = Omit<LinkForm, 'endpoints'>;
export type FullMeshForm = Static<typeof FULL_MESH_MAP>;
export type LeafSpineForm = Static<typeof LEAF_SPINE>;
export type ScenarioForm = Static<typeof SCENARIO>;
