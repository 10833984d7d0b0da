/** The file's content as TypeScript sees it once the schema has let it through (schema.ts says what each means). */
import type { GatewayPort, InsiderAct } from '../model.js';
import type { Quantity } from './quantities.js';

export interface FileForm {
  readonly name: string;
  readonly seed?: number;
  readonly epoch?: string;
  readonly oob?: OobForm;
  readonly topology: TopologyForm;
  readonly scenario?: string | ScenarioForm;
}

export interface OobForm {
  readonly delay?: Quantity;
  readonly jitter?: Quantity;
  readonly loss?: Quantity;
}

export type FlagsForm = Readonly<Record<string, FlagValueForm | readonly FlagValueForm[]>>;
export type FlagValueForm = string | number | boolean;

export interface TopologyForm {
  readonly defaults?: { readonly flags?: FlagsForm };
  readonly kinds?: { readonly gateway?: { readonly flags?: FlagsForm }; readonly link?: LinkValuesForm };
  readonly nodes?: Readonly<Record<string, NodeForm>>;
  readonly links?: readonly LinkForm[];
  readonly 'full-mesh'?: number | FullMeshForm;
  readonly 'leaf-spine'?: LeafSpineForm;
}

export type NodeForm = GatewayForm | InsiderForm | { readonly kind: 'switch' | 'router' };

export interface GatewayForm {
  readonly kind: 'gateway';
  readonly underlay?: readonly string[];
  readonly oob?: string;
  readonly mac?: string;
  readonly 'workload-mac'?: string;
  readonly flags?: FlagsForm;
  readonly workloads?: Readonly<Record<string, WorkloadForm>>;
}

export interface InsiderForm {
  readonly kind: 'insider';
  readonly underlay?: readonly string[];
  readonly oob?: string;
  readonly mac?: string;
  readonly addresses?: readonly string[];
  readonly silent?: boolean;
  readonly spoofs?: boolean;
}

export type WorkloadForm =
  | readonly string[]
  | { readonly addresses: readonly string[]; readonly present?: boolean };

export interface ImpairmentsForm {
  readonly delay?: Quantity;
  readonly jitter?: Quantity;
  readonly loss?: Quantity;
  readonly duplicate?: Quantity;
  readonly reorder?: Quantity;
  readonly corrupt?: Quantity;
  readonly rate?: Quantity;
}

export interface LinkValuesForm extends ImpairmentsForm {
  readonly mtu?: number;
}

export interface LinkForm extends LinkValuesForm {
  readonly endpoints: readonly [string, string];
}

interface GeneratedForm {
  readonly workloads?: number;
  readonly link?: LinkValuesForm;
  readonly flags?: FlagsForm;
}

export interface FullMeshForm extends GeneratedForm {
  readonly gateways: number;
  readonly static?: boolean;
}

export interface LeafSpineForm extends GeneratedForm {
  readonly leaves: number;
  readonly spines: number;
  readonly hosts: number;
}

export interface ScenarioForm {
  readonly duration?: Quantity;
  readonly traffic?: Readonly<Record<string, TrafficForm>>;
  readonly events?: readonly EventForm[];
  readonly expect?: readonly ExpectationForm[];
}

/** A name, several, or all of them: "*". */
export type NamesForm = string | readonly string[];

interface TrafficCommonForm {
  readonly from: NamesForm;
  readonly start?: Quantity;
  readonly spread?: Quantity;
  readonly sample?: number;
}

interface BetweenForm extends TrafficCommonForm {
  readonly to: NamesForm;
  readonly family?: 4 | 6;
}

export type TrafficForm =
  | (BetweenForm & {
      readonly type: 'ping';
      readonly count?: number;
      readonly interval?: Quantity;
      readonly size?: Quantity;
      readonly timeout?: Quantity;
    })
  | (BetweenForm & {
      readonly type: 'udp';
      readonly rate: Quantity;
      readonly size?: Quantity;
      readonly duration: Quantity;
      readonly port?: number;
    })
  | (BetweenForm & { readonly type: 'transfer'; readonly size: Quantity })
  | (TrafficCommonForm & { readonly type: 'replay'; readonly file: string })
  | (TrafficCommonForm & {
      readonly type: 'flood' | 'sweep';
      readonly rate: Quantity;
      readonly duration: Quantity;
    });

/** Which of the keys is there says which event it is; the schema holds that it is one. */
export interface EventForm extends ImpairmentsForm {
  readonly at: Quantity;
  readonly rotate?: NamesForm;
  readonly restart?: NamesForm;
  readonly crash?: NamesForm;
  readonly every?: Quantity;
  readonly down?: Quantity;
  readonly cut?: string;
  readonly mend?: string;
  readonly impair?: string;
  readonly partition?: readonly (readonly string[])[];
  readonly heal?: true;
  readonly calm?: true;
  readonly oob?: OobForm;
  readonly 'add-workload'?: string;
  readonly 'remove-workload'?: string;
  readonly readdress?: string;
  readonly ip?: string;
  readonly attack?: string;
  readonly for?: Quantity;
  readonly replay?: Quantity;
  readonly forge?: Quantity;
  readonly spoof?: Quantity;
  readonly 'clock-jump'?: string;
  readonly by?: Quantity;
  readonly 'slow-entries'?: string;
  readonly 'lose-port'?: string;
  readonly port?: GatewayPort;
  readonly insider?: string;
  readonly does?: readonly InsiderAct[];
}

export interface ExpectationForm {
  readonly flow?: NamesForm;
  readonly lost?: number;
  readonly delivered?: Quantity;
  readonly 'recovered-within'?: Quantity;
  readonly blocked?: true;
  readonly 'no-leaks'?: true;
  readonly counter?: string;
  readonly min?: number;
  readonly max?: number;
}
