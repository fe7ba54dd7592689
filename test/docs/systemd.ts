/*
 * Units as systemd.directives(7) and journald.conf(5) have them: what the pages use, and nothing else, so that a misspelt
 * directive, which systemd passes over with a warning, is told.
 */

const seconds = /^(?:infinity|\d+(?:us|ms|s|sec|min|m|h|hour|d|day|w|week|month|M|y|year)?)$/;
const yesOrNo = /^(?:yes|no|true|false|on|off|0|1)$/;
const size = /^(?:\d+[KMGT]?|infinity)$/;
const any = /./;
const mask = /^0[0-7]{3}$/;

const sections: Record<string, Record<string, RegExp>> = {
  Unit: {
    Description: any,
    Documentation: any,
    Wants: any,
    Requires: any,
    After: any,
    Before: any,
    OnFailure: any,
  },
  Service: {
    Type: /^(?:simple|exec|forking|oneshot|notify|dbus|idle)$/,
    User: /^[a-z_][a-z0-9_-]*$/,
    Group: /^[a-z_][a-z0-9_-]*$/,
    SupplementaryGroups: any,
    UMask: mask,
    StateDirectory: /^[^/]/,
    StateDirectoryMode: mask,
    Environment: /^[A-Z_][A-Z0-9_]*=/,
    EnvironmentFile: /^-?\//,
    LoadCredential: /^[a-z0-9.-]+:\//,
    ExecStart: /^[-@:+!]*\/\S/,
    ExecStartPre: /^[-@:+!]*\/\S/,
    ExecStartPost: /^[-@:+!]*\/\S/,
    ExecReload: /^[-@:+!]*\/\S/,
    Restart: /^(?:no|on-success|on-failure|on-abnormal|on-watchdog|on-abort|always)$/,
    RestartSec: seconds,
    TimeoutStartSec: seconds,
    TimeoutStopSec: seconds,
    ReadWritePaths: /^-?\//,
    NoExecPaths: /^-?\//,
    BindPaths: /^-?\//,
    DeviceAllow: any,
    LogNamespace: /^[a-z0-9-]+$/,
    LimitNOFILE: size,
    LimitCORE: size,
    SystemCallFilter: any,
    Nice: /^-?\d+$/,
    PrivateNetwork: yesOrNo,
    PrivateTmp: yesOrNo,
  },
  Timer: {
    OnCalendar: any,
    OnBootSec: seconds,
    OnUnitActiveSec: seconds,
    RandomizedDelaySec: seconds,
    Persistent: yesOrNo,
    Unit: any,
  },
  Install: { WantedBy: any, RequiredBy: any, Also: any },
  Journal: {
    Storage: /^(?:volatile|persistent|auto|none)$/,
    RateLimitIntervalSec: seconds,
    RateLimitBurst: /^\d+$/,
    SystemMaxUse: size,
    SystemKeepFree: size,
    MaxRetentionSec: seconds,
    MaxFileSec: seconds,
    Compress: yesOrNo,
  },
};

export function problemOfUnits(text: string): string | undefined {
  let section: string | undefined;
  for (const line of text.replaceAll(/\\\n\s*/g, ' ').split('\n')) {
    if (line.trim() === '' || /^[#;]/.test(line)) continue;
    const [, name] = /^\[(\w+)\]$/.exec(line) ?? [];
    if (name !== undefined) {
      if (sections[name] === undefined) return `there is no section [${name}]`;
      section = name;
      continue;
    }
    const [, directive = '', value = ''] = /^(\w+)=(.*)$/.exec(line) ?? [];
    if (section === undefined || directive === '') return `is no line of a unit: ${line}`;
    const allowed = sections[section]?.[directive];
    if (allowed === undefined) return `[${section}] has no ${directive} that test/docs/systemd.ts knows`;
    if (value !== '' && !allowed.test(value)) return `[${section}] ${directive}: ${value}`;
  }
  return undefined;
}
