/** Our own cases of custom headers, where the corpus has none. */

/** So many harmless headers. */
export const many = (count: number) => Array.from({ length: count }, (_, n) => [`x-${n}`, 'v'] as const)

/** What is no set of headers, or holds one that cannot be sent. */
export const refused: readonly (readonly [why: string, headers: unknown])[] = [
  ['no object', 'x'],
  ['null', null],
  ['a list of something else', ['x-a']],
  ['a name beyond 128 characters', { ['x'.repeat(129)]: 'v' }],
  ['a value beyond 4096 characters', { 'x-a': 'v'.repeat(4097) }],
  ['more than 16 KB in all', Array.from({ length: 5 }, (_, n) => [`x-${n}`, 'v'.repeat(4096)])],
  ['__proto__', JSON.parse('{ "__proto__": "v" }')],
  ['hasOwnProperty in odd case', { HasOwnProperty: 'v' }],
  ['a pseudo header', { ':authority': 'v' }],
  ['a line break in a name', { 'x-a\r\nx-b': 'v' }],
  ['a space in a name', { 'x a': 'v' }],
  ['a tab in front of a value', { 'x-a': '\tv' }],
  ['a DEL', { 'x-a': 'a\u007fb' }],
  ['the letter whose low byte is a line feed', { 'x-a': '\u010a' }],
  ['an emoji', { 'x-a': '🦊' }],
  ['a lone surrogate', { 'x-a': '\ud800' }],
  ['a number', { 'x-a': 1 }],
  ['undefined', { 'x-a': undefined }],
  ['X-Hub-Signature-256', { 'X-Hub-Signature-256': 'v' }],
  ['Stripe-Signature', { 'Stripe-Signature': 'v' }],
  ['Content-Encoding', { 'Content-Encoding': 'gzip' }],
  ['X-Forwarded-For', { 'X-Forwarded-For': '127.0.0.1' }],
  ['X-HTTP-Method-Override', { 'X-HTTP-Method-Override': 'DELETE' }],
  ['TE', { TE: 'trailers' }],
  ['Proxy-Authorization', { 'Proxy-Authorization': 'v' }],
  ['Remote-User', { 'Remote-User': 'root' }],
  ['X-Auth-Request-Email', { 'X-Auth-Request-Email': 'v' }],
]
/** Whose word a receiver may take, in the spelling of a product or of a whole family; many are in none of the corpora. */
export const claims: readonly string[] = [
  ...[
    'X_Forwarded_For',
    'webhook_signature',
    'Stripe_Signature',
    'REMOTE_USER',
    'content_length',
    'Transfer_Encoding',
  ],
  ...['x.forwarded.for', 'X_Http_Method_Override', 'Metadata_Flavor', 'x_amz_date'],
  ...['Impersonate-User', 'Impersonate-Group', 'Impersonate-Extra-scopes', 'X-Impersonate-User', 'Sudo'],
  ...['es-security-runas-user', 'X-Redmine-Switch-User', 'X-Consumer-Username', 'X-Consumer-Custom-ID'],
  ...['X-Anonymous-Consumer', 'X-Authenticated-Userid', 'Tailscale-User-Login', 'X-authentik-username'],
  ...['X-Pomerium-Claim-Email', 'X-Vouch-User', 'X-Auth-Username', 'OIDC_CLAIM_sub', 'SM_USER', 'iv-user'],
  ...['X-JWT-Assertion', 'X-Pomerium-Jwt-Assertion', 'X-Endpoint-API-UserInfo', 'X-Scope-OrgID'],
  ...['X-True-Client-IP', 'Http-Client-Ip', 'X-ForwardedFor', 'Forwarded-For', 'X-Forward-For', 'X-IP'],
  ...['Do-Connecting-Ip', 'Ali-CDN-Real-IP', 'X-Azure-ClientIP', 'X-Original-Remote-Addr', 'Incap-Client-IP'],
  ...[
    'CloudFront-Viewer-Address',
    'Cdn-Src-Ip',
    'X-Client-Cert-DN',
    'X-SSL-Client-Verify',
    'Ssl-Client-Cert',
  ],
  ...['X-HTTPD-Method-Override', 'X-HTTP-Host-Override', 'X-Method', 'Http-Method', 'Request-Uri'],
  ...[
    'X-Vault-Token',
    'X-Vault-Request',
    'X-Consul-Token',
    'X-Nomad-Token',
    'dapr-app-id',
    'l5d-dst-override',
  ],
  ...[
    'X-Accel-Redirect',
    'X-Sendfile-Type',
    'X-Middleware-Subrequest',
    'X-Invoke-Path',
    'X-Internal-Request',
  ],
  ...['X-aliyun-ecs-metadata-token', 'X-CF-Forwarded-Url', 'X-Metadata-Token', 'Proxy', 'Http_Proxy'],
  ...['X-ProxiedEntitiesChain', 'X-Nokia-MSISDN'],
]
/** What stays allowed. */
export const accepted: readonly (readonly [why: string, headers: unknown])[] = [
  ['none', {}],
  ['exactly 50', many(50)],
  ['a value of exactly 4096 characters', { 'x-a': 'v'.repeat(4096) }],
  ['a name of exactly 128 characters', { ['x'.repeat(128)]: 'v' }],
  ['every sign that a name may have', { "x!#$%&'*+.^_`|~9": 'v' }],
  ['a tab inside a value', { 'x-a': 'a\tb' }],
  ['a Headers object', new Headers({ authorization: 'Bearer abc' })],
  ['names that only look like the forbidden ones', { 'x-hostname': 'v', 'my-via': 'v', accept: '*/*' }],
  [
    'what receivers ask callers for',
    { authorization: 'v', 'x-api-key': 'v', 'x-auth-token': 'v', cookie: 'v' },
  ],
  [
    'what else callers name',
    { 'x-request-id': 'v', 'x-tenant-id': 'v', 'x-user-id': 'v', 'x-gateway-key': 'v' },
  ],
  ['credentials of platforms', { 'x-functions-key': 'v', 'ocp-apim-subscription-key': 'v', apikey: 'v' }],
  ['names with underscores', { x_api_key: 'v', my_token: 'v' }],
]
