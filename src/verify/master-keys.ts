/** Master keys of devices that are compared, or that open what others have sealed. */
export const MASTER_KEYS = [new Uint8Array(32).fill(0x11), new Uint8Array(32).fill(0x22)] as const;
