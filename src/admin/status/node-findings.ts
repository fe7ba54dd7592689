import { isUp, type NodeTime } from '../../fleet/nodes.ts';
import { shownOf } from '../../fleet/shown-node.ts';
import { remediationOfUnkept } from '../../store/kept-histories.ts';
import type { NodeTable } from '../../store/schema.ts';
import type { FindingOn } from './affected.ts';
import type { StatusFinding } from './findings.ts';

/** A node that has not been seen for so long is one that is no more, milliseconds. */
const forgottenAfter = 7 * 86_400_000;
/** What the clocks of nodes may differ by: signatures of AWS's, and whatever ends at a time, go by them. Milliseconds. */
const maxClockOffset = 2_000;

type Row = Pick<NodeTable, 'id' | 'hostname' | 'last_seen_at' | 'ended_at' | 'drained_at' | 'shown'>;

export function onNode({ id, hostname }: Pick<Row, 'id' | 'hostname'>): FindingOn {
  return [{ kind: 'node', id, name: hostname }];
}

/** Of nodes of one database. */
export function nodeFindings(nodes: readonly Row[], now: Date | NodeTime): StatusFinding[] {
  return nodes.flatMap((node) =>
    isUp(node, now)
      ? [...drainFindings(node), ...clockFindings(node), ...historyFindings(node)]
      : downFindings(node, now),
  );
}

function downFindings({ id, hostname, last_seen_at, ended_at }: Row, now: Date | NodeTime): StatusFinding[] {
  const at = now instanceof Date ? now : now.at;
  if (at.getTime() - Date.parse(last_seen_at) >= forgottenAfter) return [];
  const message =
    ended_at === null
      ? `node ${hostname} has not shown itself since ${last_seen_at}`
      : `node ${hostname} was stopped at ${ended_at}`;
  const remediation = `on ${hostname}: systemctl status holdfast`;
  return [{ trouble: 'NODE_DOWN', where: hostname, on: onNode({ id, hostname }), message, remediation }];
}

/** One that is forgotten so serves no one, and is missed only when another fails. */
function drainFindings({ id, hostname, drained_at }: Row): StatusFinding[] {
  if (drained_at === null) return [];
  const message = `node ${hostname} is drained since ${drained_at}`;
  const command = `holdfast node undrain ${id}`;
  return [
    {
      ...{ trouble: 'NODE_DRAINED', where: hostname, on: onNode({ id, hostname }), message },
      ...{ remediation: command, command },
      things: [`${id} ${drained_at}`],
    },
  ];
}

function clockFindings(node: Row): StatusFinding[] {
  const offset = shownOf(node)?.clockOffset ?? 0;
  if (Math.abs(offset) <= maxClockOffset) return [];
  const seconds = (Math.abs(offset) / 1000).toFixed(1);
  return [
    {
      trouble: 'CLOCK_OFF',
      where: node.hostname,
      on: onNode(node),
      message: `the clock of node ${node.hostname} is ${seconds} s ${offset > 0 ? 'ahead of' : 'behind'} the database server’s`,
      remediation: `on ${node.hostname}, and on the database server: have NTP set the clock (timedatectl)`,
    },
  ];
}

/** It serves on, and is the one that would not notice. */
function historyFindings(node: Row): StatusFinding[] {
  const unkept = shownOf(node)?.unkept ?? null;
  if (unkept === null) return [];
  return [
    {
      trouble: 'HISTORY_NOT_KEPT',
      where: node.hostname,
      on: onNode(node),
      message: `node ${node.hostname} cannot keep what it knows of the store’s history: after a restart it would not notice that the store has gone back in time: ${unkept}`,
      remediation: `on ${node.hostname}: ${remediationOfUnkept}`,
    },
  ];
}
