/** Base64 without `Buffer`, for runtimes that have none. */

/** Encodes as standard base64 with padding. */
export const encodeBase64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes))
