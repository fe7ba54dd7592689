import { isIP } from 'node:net';
import { z } from 'zod';
import { proxyProtocolFrom } from './networks.ts';
import { tokenSchema } from './token-config.ts';
import { file, milliseconds, text } from './values.ts';

/*
 * The configuration: one TOML file. Every setting is described here; docs/configuration.md is generated from it.
 * Unknown settings are errors. Secrets never stand in the file, only where to read them from.
 */

const leaseSeconds = z.number().int().min(2).max(300);
/** IP address or name. "" would have Node listen on every address. */
const listenAddress = z
  .string()
  .refine(
    (value) => isIP(value) !== 0 || /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/.test(value),
    'must be an IP address or a name of this machine; for every address it is "0.0.0.0"',
  );

const tlsSchema = z.strictObject({
  certificate: file.describe(
    'PEM file with the server certificate and its chain. Read again when it changes, and on SIGHUP.',
  ),
  key: file.describe('PEM file with the private key; mode 0600 or 0400.'),
  client_ca: file
    .optional()
    .describe(
      'PEM file with the CAs that client certificates must chain to. With it, mutual TLS is required.',
    ),
  client_subjects: z
    .array(text)
    .default([])
    .describe(
      'Common names or DNS names a client certificate must have one of, such as `cks.kms.eu-west-1.amazonaws.com`.',
    ),
});

/** Of what tells one appliance from another; never the only difference, since the label is beside it. */
const environmentColors = ['red', 'amber', 'green', 'blue', 'grey'] as const;

const adminSchema = z
  .strictObject({
    enabled: z
      .boolean()
      .default(true)
      .describe('Serve the management API and run the schedules on this node.'),
    address: listenAddress
      .default('127.0.0.1')
      .describe('Address to listen on; the loopback address unless told otherwise.'),
    port: z.number().int().min(0).max(65535).default(9443).describe('Port to listen on.'),
    public_url: z
      .string()
      .regex(/^https:\/\/[^/?#\s]+$/)
      .optional()
      .describe(
        'Origin under which operators reach it, such as `https://keys.example.com:9443`; shown as the address of each vault. Without it `https://localhost:` and the port.',
      ),
    tls: z
      .strictObject({
        certificate: file.describe('PEM file with the server certificate and its chain.'),
        key: file.describe('PEM file with the private key; mode 0600 or 0400.'),
      })
      .optional()
      .describe('Certificate of the management API; without it that of `xks.tls`.'),
    proxy_protocol_from: proxyProtocolFrom,
    connections: z
      .number()
      .int()
      .positive()
      .default(512)
      .describe('Most open connections; beyond it the longest idle of the address that has most is closed.'),
    environment: z
      .strictObject({
        label: z
          .string()
          .max(40)
          .regex(/^\P{C}+$/u)
          .describe('What people are to see on every page of the console, such as `PRODUCTION`.'),
        color: z.enum(environmentColors).default('grey').describe('Of the band that it stands in.'),
      })
      .optional()
      .describe('Which of several appliances this is; shown before the sign-in too.'),
    session_idle_minutes: z
      .number()
      .int()
      .min(1)
      .max(24 * 60)
      .default(15)
      .describe('A session without a request for so long ends.'),
    session_minutes: z
      .number()
      .int()
      .min(1)
      .max(7 * 24 * 60)
      .default(12 * 60)
      .describe('A session ends after so long, however busy.'),
    sign_ins_per_minute: z
      .number()
      .int()
      .positive()
      .default(60)
      .describe('Sign-ins that one address may try in a minute; beyond it is answered 429.'),
    requests_per_minute: z
      .number()
      .int()
      .positive()
      .default(6000)
      .describe(
        'Requests that one user or API key, or one address that has not signed in, may send in a minute.',
      ),
  })
  .describe('The management API: what operators, the command line and programs speak to.');

/** An https address, or http on the loopback, of which the rest is plain: no user, no query. */
const endpoint = z
  .string()
  .regex(/^(?:https:\/\/[^\s@?#]+|http:\/\/(?:127\.0\.0\.1|localhost)(?::\d+)?\/?)$/);

const awsSchema = z
  .strictObject({
    endpoints: z
      .strictObject({
        kms: endpoint.optional().describe('In place of AWS KMS’s endpoint.'),
        iam: endpoint.optional().describe('In place of IAM’s endpoint.'),
        sts: endpoint.optional().describe('In place of AWS STS’s endpoint.'),
      })
      .prefault({})
      .describe('Other endpoints for all accounts: VPC endpoints, or the simulator.'),
    ca: file
      .optional()
      .describe('PEM file with the CAs that AWS’s endpoints must chain to, in place of the system’s.'),
    proxy: z
      .string()
      .regex(/^https?:\/\/[^\s@/?#]+\/?$/)
      .optional()
      .describe('HTTP proxy through which AWS is reached, such as `http://proxy.example.com:3128`.'),
    no_proxy: text
      .optional()
      .describe('Hosts that are reached without it, as in NO_PROXY, separated by commas.'),
    fips: z.boolean().default(false).describe('Use AWS’s FIPS endpoints for every account.'),
    max_attempts: z
      .number()
      .int()
      .min(1)
      .max(10)
      .default(4)
      .describe(
        'How many times a request is sent where AWS throttles or fails. CreateKey and CreateAlias are sent once: Holdfast looks for what came of them first.',
      ),
    request_timeout_ms: milliseconds
      .max(120_000)
      .default(10_000)
      .describe('How long AWS may take to answer one request.'),
    ambient: z
      .boolean()
      .default(false)
      .describe(
        'The node has AWS credentials of its own (instance role, container role, environment) with which CSP accounts may have a role assumed.',
      ),
    ambient_vaults: z
      .array(text)
      .default([])
      .describe(
        'Vaults, by name, whose CSP accounts may use these credentials directly (type `ambient`); whoever administers such a vault can do with them what the node can.',
      ),
  })
  .describe('How AWS is reached for CSP accounts; without any, nothing connects to AWS.');

const auditSchema = z
  .strictObject({
    keep_at_least_days: z
      .number()
      .int()
      .min(1)
      .max(36_500)
      .default(90)
      .describe(
        'No event younger than this is pruned, whoever asks and however well it is archived. Three months at hand is what PCI DSS 10.5.1 wants beside a year in archives.',
      ),
  })
  .describe('The audit trail: `holdfast audit archive --prune` lets archived events go.');

export const configSchema = z.strictObject({
  node: z
    .strictObject({
      state_directory: file
        .default('/var/lib/holdfast')
        .describe('Directory of the store and of run-time files; mode 0700.'),
      profile_directory: file
        .optional()
        .describe(
          'Directory of your own PKCS#11 module profiles, such as holdfast token probe writes; one of a name of native-config/ goes before that.',
        ),
      fleet_size: z
        .number()
        .int()
        .positive()
        .default(1)
        .describe(
          'Number of nodes at the least among which every quota is shared out, also while fewer are up; leave it at 1 where nodes share a database, which count themselves. It is answered as `xksProxyFleetSize` until those on one database have counted themselves.',
        ),
      worker_silent_ms: milliseconds
        .min(1000)
        .default(15_000)
        .describe(
          'A worker or management process whose event loop has not turned for so long is killed and replaced. Only time in which the supervisor ran and the process had the CPU counts.',
        ),
    })
    .prefault({}),
  store: z
    .discriminatedUnion('kind', [
      z.strictObject({
        kind: z.literal('sqlite').describe('One node; the store is a file.'),
        path: file.optional().describe('The store’s file; without it `holdfast.db` in the state directory.'),
      }),
      z.strictObject({
        kind: z.literal('postgres').describe('The store is a database of PostgreSQL 14 or newer.'),
        address: z
          .string()
          .min(1)
          .describe(
            'Name or address of the server, which is always talked to with TLS; or the directory of its UNIX socket. It must lead to the primary, after a fail-over too.',
          ),
        port: z.number().int().min(1).max(65535).default(5432).describe('Port of the server.'),
        database: z.string().min(1).max(63).describe('Name of the database, which the role owns.'),
        user: z.string().min(1).max(63).describe('Name of the role.'),
        password_file: file
          .optional()
          .describe(
            'File with the password of the role, read at each connection; not needed with a client certificate.',
          ),
        ca: file
          .optional()
          .describe(
            'PEM file of the CA certificates that the server’s certificate must chain to. Without it those that Node.js brings.',
          ),
        server_name: z
          .string()
          .min(1)
          .optional()
          .describe('The name in the server’s certificate, where that is not `address`.'),
        client_certificate: file.optional().describe('PEM file of a client certificate.'),
        client_key: file.optional().describe('PEM file of its key.'),
        durability: z
          .enum(['single', 'synchronous', 'storage'])
          .describe(
            'Where a change is once it is acknowledged: on the disk of the one server there is (`single`), on that of a synchronous standby too, or in storage that outlives the server, as managed databases have it. Each connection is compared with it; docs/fleet.md.',
          ),
        lease: leaseSeconds
          .default(15)
          .describe(
            'Seconds for which XKS workers serve from memory after the database was last heard of: a shorter outage is not noticed by AWS. A disable waits so long for a node that is cut off. docs/revocation.md has the figures.',
          ),
      }),
    ])
    .prefault({ kind: 'sqlite' })
    .describe('Where vault records are kept.'),
  xks: z.strictObject({
    address: listenAddress.default('0.0.0.0').describe('Address to listen on; AWS comes over IPv4 only.'),
    port: z.number().int().min(0).max(65535).default(443).describe('Port to listen on; AWS calls 443 only.'),
    workers: z
      .number()
      .int()
      .min(1)
      .max(64)
      .optional()
      .describe('Processes that serve XKS requests. Without it one for each core, four at the most.'),
    answer_within_ms: z
      .number()
      .int()
      .min(20)
      .max(60_000)
      .default(220)
      .describe(
        'When a request is answered at the latest; AWS gives up after 250 ms, connection set-up included. More than 240 is for tests, and for callers that wait longer than AWS; the node warns of it.',
      ),
    drain_ms: z
      .number()
      .int()
      .min(0)
      .max(600_000)
      .default(5000)
      .describe(
        'After SIGTERM: how long /ready and / say 503 while requests are still taken, for load balancers to notice: longer than interval × unhealthy threshold of their health checks, which is 60 s for a target group of AWS as it comes (docs/operations.md).',
      ),
    proxy_protocol_from: proxyProtocolFrom,
    connections: z
      .number()
      .int()
      .positive()
      .default(4096)
      .describe(
        'Most open connections of one worker; beyond it the longest idle of the address that has most is closed.',
      ),
    tls: tlsSchema,
  }),
  admin: adminSchema.prefault({}),
  aws: awsSchema.prefault({}),
  audit: auditSchema.prefault({}),
  token: z
    .array(tokenSchema)
    .min(1)
    .max(10)
    .describe('The tokens; GetHealthStatus can name ten at the most.'),
  log: z
    .strictObject({
      level: z
        .enum(['debug', 'info', 'warn', 'error'])
        .default('info')
        .describe('Least level that is logged.'),
      requests: z
        .enum(['all', 'sampled', 'failures'])
        .default('all')
        .describe(
          'Which XKS requests have a line. Those that failed or were slow always have one. `all`: each, since only this log says which request of AWS used which key, and for whom. `sampled`: in each minute the first of a key, operation and principal, and of the others one in `sample_one_in`. `failures`: none that succeeded. What is left out is counted, and its number logged each minute for each key set.',
        ),
      sample_one_in: z
        .number()
        .int()
        .min(2)
        .max(1_000_000)
        .default(100)
        .describe('With `requests = "sampled"`: how many successful requests there are for one line.'),
      slow_request_ms: milliseconds
        .default(100)
        .describe(
          'A request that took so long has a line whatever `requests` says; AWS gives up after 250 ms.',
        ),
    })
    .prefault({}),
});

export type Config = z.output<typeof configSchema>;
export type TlsConfig = z.output<typeof tlsSchema>;
export type AdminConfig = z.output<typeof adminSchema>;
export type AwsConfig = z.output<typeof awsSchema>;
