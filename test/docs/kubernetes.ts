import { z } from 'zod';

/*
 * A Deployment as the API reference of Kubernetes 1.31 has it, apps/v1: the fields that the page uses and no others, so that
 * a misspelt one, which the API server would refuse, is told here.
 */

const name = z.string().regex(/^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/);
const labels = z.record(z.string(), z.string());
const identity = z.number().int().positive();

const probe = z.strictObject({
  httpGet: z.strictObject({
    scheme: z.enum(['HTTP', 'HTTPS']),
    port: z.union([name, z.number()]),
    path: z.string().startsWith('/'),
  }),
  initialDelaySeconds: z.number().int().nonnegative().optional(),
  periodSeconds: z.number().int().positive().optional(),
  timeoutSeconds: z.number().int().positive().optional(),
  failureThreshold: z.number().int().positive().optional(),
});

const container = z.strictObject({
  name,
  image: z.string(),
  args: z.array(z.string()).optional(),
  command: z.array(z.string()).optional(),
  env: z.array(z.strictObject({ name: z.string(), value: z.string() })).optional(),
  securityContext: z.strictObject({
    allowPrivilegeEscalation: z.literal(false),
    readOnlyRootFilesystem: z.literal(true),
    capabilities: z.strictObject({ drop: z.tuple([z.literal('ALL')]) }),
  }),
  volumeMounts: z.array(
    z.strictObject({ name, mountPath: z.string().startsWith('/'), readOnly: z.boolean().optional() }),
  ),
  ports: z.array(z.strictObject({ name, containerPort: z.number().int().min(1).max(65_535) })).optional(),
  resources: z
    .strictObject({
      requests: z.record(z.string(), z.union([z.string(), z.number()])),
      limits: z.record(z.string(), z.union([z.string(), z.number()])),
    })
    .optional(),
  startupProbe: probe.optional(),
  livenessProbe: probe.optional(),
  readinessProbe: probe.optional(),
});

const volume = z
  .strictObject({
    name,
    persistentVolumeClaim: z.strictObject({ claimName: name }).optional(),
    configMap: z.strictObject({ name, defaultMode: z.number().optional() }).optional(),
    secret: z.strictObject({ secretName: name, defaultMode: z.number().max(0o777).optional() }).optional(),
    emptyDir: z.strictObject({ medium: z.enum(['', 'Memory']), sizeLimit: z.string() }).optional(),
  })
  .refine((one) => Object.keys(one).length === 2, 'has one source');

export const deployment = z.strictObject({
  apiVersion: z.literal('apps/v1'),
  kind: z.literal('Deployment'),
  metadata: z.strictObject({ name }),
  spec: z.strictObject({
    replicas: z.number().int(),
    strategy: z.strictObject({ type: z.enum(['Recreate', 'RollingUpdate']) }),
    selector: z.strictObject({ matchLabels: labels }),
    template: z.strictObject({
      metadata: z.strictObject({ labels }),
      spec: z.strictObject({
        automountServiceAccountToken: z.boolean(),
        terminationGracePeriodSeconds: z.number().int().positive(),
        securityContext: z.strictObject({
          runAsNonRoot: z.literal(true),
          runAsUser: identity,
          runAsGroup: identity,
          fsGroup: identity,
          fsGroupChangePolicy: z.enum(['OnRootMismatch', 'Always']),
          seccompProfile: z.strictObject({ type: z.enum(['RuntimeDefault', 'Unconfined']) }),
        }),
        initContainers: z.array(container),
        containers: z.array(container),
        volumes: z.array(volume),
      }),
    }),
  }),
});

/** Also what the API server checks across fields: labels, mounts and ports that something has. */
export function problemOfManifest(manifest: unknown): string | undefined {
  const parsed = deployment.safeParse(manifest);
  if (!parsed.success)
    return parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ');
  const { selector, template } = parsed.data.spec;
  for (const [label, value] of Object.entries(selector.matchLabels))
    if (template.metadata.labels[label] !== value) return `the pods have no label ${label}: ${value}`;
  const { initContainers, containers, volumes } = template.spec;
  const volumeNames = new Set(volumes.map(({ name }) => name));
  for (const { name, volumeMounts, ports = [], ...rest } of [...initContainers, ...containers]) {
    for (const mount of volumeMounts)
      if (!volumeNames.has(mount.name)) return `${name} mounts ${mount.name}, which is no volume`;
    for (const one of [rest.startupProbe, rest.livenessProbe, rest.readinessProbe]) {
      const port = one?.httpGet.port;
      if (typeof port === 'string' && !ports.some((known) => known.name === port))
        return `${name} has no port ${port} for its probe`;
    }
  }
  return undefined;
}
