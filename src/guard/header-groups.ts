/**
 * Names of headers that belong to somebody else, as lists. Names are written as they are compared: in lower case, every
 * sign a hyphen. Families are told by their beginning or end, so that a product that nobody has heard of yet is held too.
 */

/** A group of names with one reason. `a-*` stands for all names that begin so, `*-b` for those that end so, `*c*` for those that hold it. */
export interface HeaderGroup {
  readonly name: string
  readonly names: readonly string[]
  readonly reason: string
}

/** Each name as it is, and as the gateways and frameworks write it that put `x-` or `http-` before it. */
const spelled = (...names: string[]) =>
  names.flatMap((name) => ['', 'x-', 'http-', 'x-http-'].map((prefix) => prefix + name))

/** Whose headers cannot be set. */
export const headerGroups: readonly HeaderGroup[] = [
  {
    name: 'framing',
    names: [
      ...['host', 'connection', 'keep-alive', 'upgrade', 'expect', 'te', 'trailer', 'trailers'],
      ...['transfer-encoding', 'content-length', 'http2-*', 'alt-used'],
    ],
    reason: 'frames the request and is the connection’s own',
  },
  // CVE-2025-6454: what a proxy on the way reads is not the tenant's to write. CVE-2016-5385: CGI makes `Proxy` HTTP_PROXY.
  {
    name: 'proxy',
    names: [...spelled('proxy', 'proxy-*'), 'x-proxy*', 'x-proxied*', 'https-proxy', 'all-proxy', 'no-proxy'],
    reason: 'speaks to a proxy, not to the receiver',
  },
  {
    name: 'platform',
    names: [
      ...['metadata', 'metadata-*', '*-metadata-token*', '*-metadata-flavor', '*-metadata-request', 'secret'],
      ...['x-metadata-*', 'x-identity-header', 'x-google-*', 'x-goog-*', 'x-aws-*', 'x-amz-*', 'x-amzn-*'],
      ...['x-azure-*', 'x-ms-*', 'x-fd-*', 'x-gcp-*', 'x-appengine-*', 'x-cloud-trace-context', 'x-vercel-*'],
      ...['x-now-*', 'x-nf-*', 'x-alibaba-*', 'x-aliyun-*', 'x-cloudtasks-*', 'x-cloudscheduler*', 'x-msi-*'],
      ...['disguised-host', 'was-default-hostname', 'x-waws-*', 'x-site-deployment-id'],
      ...['x-acs-*', 'x-tencent-*', 'x-oci-*', 'x-huawei-*'],
      ...['fly-*', 'x-fly-*', 'x-arr-*', 'x-envoy-*', 'x-serverless-authorization', 'x-cf-*', 'x-vcap-*'],
    ],
    reason: 'speaks to a cloud platform, not to the receiver',
  },
  // What holds a company's secrets, its services and its mesh: reached from inside, by the name of a header alone.
  {
    name: 'infrastructure',
    names: [
      ...['x-vault-*', 'x-consul-*', 'x-nomad-*', 'x-etcd-*', 'x-kubernetes-*', 'x-k8s-*', 'x-registry-*'],
      ...['x-istio-*', 'x-linkerd-*', 'l5d-*', 'dapr-*', 'x-dapr-*', 'x-kong-*', 'x-traefik-*', 'x-apisix-*'],
      ...['x-accel-*', 'x-sendfile*', 'x-lighttpd-*', 'x-nginx-*'],
      ...['x-upstream-*', 'x-backend-*', 'x-gateway-host'],
      ...['x-internal', 'x-internal-*', 'x-trusted-*', 'x-middleware-*', 'x-matched-path', 'x-invoke-*'],
      ...['x-nextjs-*', 'x-nuxt-*', 'x-astro-*', 'x-sveltekit-*', 'x-remix-*', 'x-react-router-*'],
      ...['x-prerender-*'],
    ],
    reason: 'speaks to servers and frameworks behind the receiver’s own door',
  },
  {
    name: 'trust',
    names: [
      // Where a request comes from and what it asked for, in the words of a proxy that passed it on.
      ...['*forward*', '*-ip', '*clientip'],
      ...['*-addr', '*-client-ip-*', '*-real-ip-*'],
      ...spelled('real-*', 'true-*'),
      ...spelled('original-*', 'originating-*', 'rewrite-*', 'remote-*', 'cluster-*', 'peer-*', 'scheme'),
      ...spelled('url-scheme', 'request-uri', 'path-info', 'script-name', 'coming-from', 'destinationurl'),
      ...['x-host', 'http-host', 'x-http-host', 'via', 'x-via', 'x-ip-*', 'x-custom-ip-authorization'],
      ...['front-end-https', 'x-https', 'early-data', 'cdn-*', 'cf-*', 'fastly-*', 'akamai-*', 'x-akamai-*'],
      ...['cloudfront-*', 'x-edge-*', 'incap-*', 'x-incap-*', 'ali-*', 'x-sucuri-*', 'wl-proxy-*', 'sec-*'],
      // Another method or another host than the request has.
      ...['*-override', '*-override-*', 'x-override*'],
      ...['*-http-method', '*-httpd-method'],
      ...spelled('method'),
      // Certificates of callers, which the proxy in front has seen.
      ...['*-client-cert', '*-client-cert-*', 'client-cert'],
      ...['client-cert-*', '*-client-verify', '*-client-dn', '*-subject-dn'],
      ...[...spelled('ssl-*'), 'x-tls-*', 'x-mtls-*'],
    ],
    reason: 'is trusted by proxies and receivers as said by a proxy',
  },
  // Whom a login in front of the receiver has let in, and as whom a server is to act.
  {
    name: 'identity',
    names: [
      ...['impersonate-*', '*-impersonate', '*-impersonate-*', 'run-as*', 'x-run-as*', '*-runas-*', 'sudo'],
      ...['x-sudo', '*switch-user', '*on-behalf-of', 'x-act-as', 'x-auth-request-*', 'x-webauth-*'],
      ...['x-authenticated', 'x-authenticated-*', 'x-auth-user*', 'x-auth-email', 'x-auth-group*'],
      ...['x-auth-role*', 'x-auth-subject', 'x-consumer-*'],
      ...['x-anonymous-consumer', 'x-credential-identifier', 'x-credential-username'],
      ...['x-jwt-assertion', '*-jwt-assertion', '*-jwt-claim*', '*-userinfo', 'oidc-*', 'x-oidc-*'],
      ...['x-authentik-*', 'x-authelia-*', 'x-pomerium-*', 'x-vouch-*', 'x-keycloak-*', 'tailscale-*'],
      ...['x-tailscale-*', 'x-scope-orgid', 'x-spiffe-*', 'mellon-*', 'shib-*'],
      ...['iv-*', 'sm-*', 'oam-*', 'logon-user', 'x-logon-user', 'auth-user', '*msisdn'],
    ],
    reason: 'names a person or service whom a proxy has let in',
  },
  {
    name: 'owned',
    names: [
      ...['webhook-*', 'x-webhook-*', 'svix-*', 'x-svix-*', 'posthorn-*', 'x-posthorn-*'],
      ...['content-*', 'accept-encoding', 'user-agent', 'date', 'range', 'if-*', 'digest', 'repr-digest'],
      ...['idempotency-key', 'x-idempotency-key'],
    ],
    reason: 'is set by the sender itself',
  },
  {
    name: 'trace',
    names: ['traceparent', 'tracestate', 'baggage', 'b3', 'x-b3-*'],
    reason: 'joins the request to a trace, which is the sender’s to say',
  },
  {
    name: 'signature',
    // `sig` and `sign` as whole words: a design, a signal or an assignment is none.
    names: [
      ...['*signature*', '*hmac*', 'sig', 'sig-*', '*-sig', '*-sig-*', 'sign', 'x-sign'],
      // Of the presets, those whose names do not say so: an id, a type or a time of somebody's own would be believed.
      ...[
        'x-github-delivery',
        'x-github-event',
        'x-github-hook-*',
        'x-shopify-*',
        'x-slack-request-timestamp',
      ],
    ],
    reason: 'belongs to signatures: it would look like one',
  },
]

/**
 * Secrets that receivers ask their callers for, although the family of the name is held: whoever can send the right one was given it,
 * and the name alone claims nothing.
 */
export const receiverCredentials: readonly string[] = [
  // Of the doors in front of a receiver: Cloudflare Access, Vercel's protection of previews.
  ...['cf-access-client-id', 'cf-access-client-secret', 'x-vercel-protection-bypass'],
  // Of APIs.
  ...['fastly-key', 'x-shopify-access-token', 'x-shopify-storefront-access-token'],
  // Of a receiver's own making.
  ...['x-webhook-secret', 'x-webhook-token', 'x-webhook-key'],
  ...['x-internal-secret', 'x-internal-token', 'x-internal-key', 'x-internal-api-key'],
]
