import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import type { QueryOf } from '../api/operation-types.ts';
import { useList } from '../api/queries.ts';
import { CommandLine } from '../frame/command.tsx';
import { Copyable } from '../frame/copyable.tsx';
import { Link } from '../frame/link.tsx';
import { sentence } from '../frame/problem-alert.tsx';
import { Facts } from '../parts/facts.tsx';
import { Sought } from '../parts/sought.tsx';
import { WholeTime } from '../parts/time.tsx';
import { homeOf, useSession } from '../session/session.tsx';
import { commands } from '../texts/commands.ts';
import { frame } from '../texts/frame.ts';
import { parts } from '../texts/parts.ts';
import { requests as t } from '../texts/requests.ts';

export type Request = Schemas['FailedRequest'];
export type RequestQuery = QueryOf<'listFailedRequests'>;

/** Of the vault, or, for the appliance, what belongs to none: of those less can be asked. */
export function useRequests(query: RequestQuery, enabled = true) {
  const { vaultId } = useSession().user;
  const params = { vaultId: vaultId ?? '' };
  const inVault = useList('listFailedRequests', params, { query, enabled: enabled && vaultId !== null });
  const ofNobody = useList('listUnauthenticatedRequests', undefined, {
    query,
    enabled: enabled && vaultId === null,
  });
  return vaultId === null ? ofNobody : inVault;
}

interface Props {
  /** As the address has it. */
  id: string;
  /** Where the list has it already. */
  known: Request | undefined;
  onClose: () => void;
}

/** What is known of one line. */
export function RequestPanel({ id, known, onClose }: Props) {
  const isAsked = known === undefined;
  const asked = useRequests({ id }, isAsked);
  const request = known ?? asked.items[0];
  return (
    <Modal
      visible
      size="large"
      header={request === undefined ? t.one : `${request.operation} ${request.error}`.trim()}
      closeAriaLabel={frame.close}
      onDismiss={onClose}
    >
      {request === undefined ? (
        <Sought list={asked} isAsked={isAsked} none={t.noneSuch} />
      ) : (
        <Told request={request} />
      )}
    </Modal>
  );
}

function Told({ request }: { request: Request }) {
  const home = homeOf(useSession().user);
  const { cloudKey, keySet } = request;
  return (
    <SpaceBetween size="l">
      <Alert type="info" header={t.remediation}>
        {sentence(request.remediation)}
      </Alert>
      <Facts
        columns={2}
        ids
        items={[
          [t.at, <WholeTime key="last" at={request.lastAt} />],
          [t.first, <WholeTime key="first" at={request.firstAt} />],
          [t.count, String(request.count)],
          [t.told, request.message || parts.none],
          [t.reason, request.reason || parts.none],
          [t.retried, t.retriedWords(request.retryable)],
          [
            t.key,
            cloudKey === null ? (
              <Copyable key="key" text={request.externalKeyId} what={t.key} />
            ) : (
              <Link key="key" href={`${home}/cloud-keys/${cloudKey.id}`}>
                {cloudKey.name}
              </Link>
            ),
          ],
          [
            t.keySet,
            keySet === null ? (
              parts.none
            ) : (
              <Link key="set" href={`${home}/key-sets/${keySet.id}`}>
                {keySet.name}
              </Link>
            ),
          ],
          [t.principal, <Copyable key="principal" text={request.principal} what={t.principal} />],
          [t.service, request.viaService || parts.none],
          [t.asked, request.kmsOperation || parts.none],
          [t.keyArn, <Copyable key="arn" text={request.kmsKeyArn} what={t.keyArn} />],
          [t.requestId, <Copyable key="id" text={request.kmsRequestId} what={t.requestId} />],
          [t.address, request.address || parts.none],
          [
            parts.address,
            <Copyable
              key="address"
              text={`${window.location.origin}${home}/requests?request=${request.id}`}
              what={parts.address}
            />,
          ],
        ]}
      />
      <Box color="text-body-secondary">{t.lastOnly}</Box>
      <CommandLine command={commands.requestShow(request.id)} />
    </SpaceBetween>
  );
}
