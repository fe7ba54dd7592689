/*
 * The control file, HOLDFAST_SHIM_CONTROL. One rule a line, `#` starts a comment:
 *
 *   <function> <filter>… <action>…        e.g.  C_Decrypt times=3 rv=0x5
 *
 * <function> is a C_ name, or * for all of them (general actions only).
 *
 * Filters; all must hold:
 *   pid=N          only the process N
 *   after=N        not the first N calls of this process since the rule was read
 *   times=N        at most N calls of this process since the rule was read
 *   claim=PATH     only the process that unlinks PATH; it keeps the rule (so times=N is then over all processes)
 *
 * General actions:
 *   delay_us=N     sleep before the call
 *   timer_us=N     from now on SIGALRM comes every N microseconds, to a handler without SA_RESTART, as vendors' timers do
 *   wait=PATH      sleep for as long as PATH is there
 *   hang           sleep for ever
 *   crash[=abort|segv|kill|exit]
 *   rv=N           return N and do not call; of C_Encrypt and C_Decrypt the operation ends unseen, as the
 *                  standard says it does, unless `leave_active` is given too
 *   rv=N forward   call, then return N: it happened, and the answer was lost
 *
 * C_EncryptInit (CKM_AES_GCM):
 *   iv=init|encrypt|append       the IV is made here, and comes back in pIv at C_EncryptInit, in pIv at C_Encrypt,
 *                                or after the tag (then ulIvLen must be 0)
 *   iv_value=random|zero|same|withheld|wrong
 *                                withheld: used and never told; wrong: another one than was used
 *   iv=zero|same|unchanged       short for iv=init with iv_value=zero|same|withheld
 *   iv_bytes=12|16               default: ulIvLen; of `append` 16, or 12 where ulIvBits is 96
 *   strict=0|1                   refuse a caller's IV with CKR_MECHANISM_PARAM_INVALID (default 1)
 * C_EncryptInit, C_DecryptInit:
 *   hold           abort if the caller's IV or AAD is no longer there when C_Encrypt or C_Decrypt comes
 *                  (iv=… implies it for what the library still has to read)
 *   as_gcm=N       mechanism number N means AES-GCM, and CKM_AES_GCM is unknown; so too of C_GetMechanismList and
 *                  C_GetMechanismInfo
 *   no_iv_bits     the parameter is the v2.30 structure, without ulIvBits
 * C_Encrypt, C_Decrypt:
 *   corrupt[=any|ciphertext|tag]  flip one bit of the output
 * C_GetAttributeValue:
 *   attr=TYPE:HEX  answer HEX for the attribute; attr=TYPE:unavailable  say that there is none. Up to 8 a rule.
 * C_GetSlotList:
 *   ghosts=N       N slots before the real ones, of which nothing can be read
 * C_GetSlotInfo, C_GetTokenInfo:
 *   uninitialised  only of slots whose token was not initialised
 * C_Initialize:
 *   nonblocking    makes the descriptors 3 and 4 of the process non-blocking
 * C_OpenSession:
 *   sessions=N     a process gets no more than N at a time: CKR_SESSION_COUNT
 *   all_sessions=N all processes together get no more than N at a time, those that are open already included
 * C_GenerateKey:
 *   refuse=TYPE    refuse a template that has the attribute with CKR_ATTRIBUTE_TYPE_INVALID. Up to 8 a rule.
 *   most_id=N most_label=N   refuse a longer one with CKR_ATTRIBUTE_VALUE_INVALID;   cut_label=N   cut it silently
 * C_EncryptInit, C_DecryptInit:
 *   most_aad=N     refuse more AAD with CKR_MECHANISM_PARAM_INVALID;   cut_aad=N   leave the rest out silently
 * C_Encrypt, C_Decrypt:
 *   most_data=N    refuse more with CKR_DATA_LEN_RANGE
 * C_FindObjects:
 *   duplicate      one handle comes twice;   empty   nothing is found
 * C_GenerateRandom:
 *   fill=HH        every byte is HH
 * C_GetSlotInfo, C_GetTokenInfo, C_GetMechanismInfo:
 *   set_flags=N clear_flags=N
 *
 * All rules that match a call apply; where two give the same thing, the first one counts.
 * A file that cannot be understood aborts the process.
 */
#define _GNU_SOURCE
#include "control.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define MAX_RULES 64
#define EVERY_FUNCTION FUNCTION_COUNT

struct rule {
  int function;
  pid_t pid;
  uint64_t after, times, seen, fired;
  char claim[512];
  bool claimed, lost;
  struct effects effects;
  bool acts;
};

#define CK_PKCS11_FUNCTION_INFO(name) #name,
const char *const function_names[FUNCTION_COUNT] = {
#include <pkcs11f.h>
};
#undef CK_PKCS11_FUNCTION_INFO

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct rule rules[MAX_RULES];
static unsigned rule_count;
static bool was_read;
static struct stat last;

_Noreturn void shim_die(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("holdfast shim: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
  setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
  signal(SIGABRT, SIG_DFL);
  abort();
}

/* ---- reading ---- */

static uint64_t number(const char *text, int line) {
  char *end;
  errno = 0;
  const unsigned long long value = strtoull(text, &end, 0);
  if (*text < '0' || *text > '9' || *end || errno) shim_die("control line %d: \"%s\" is not a number", line, text);
  return value;
}

static int choice(const char *text, const char *const *names, int line) {
  for (int i = 0; names[i]; i++)
    if (*names[i] && !strcmp(text, names[i])) return i;
  shim_die("control line %d: \"%s\" is not a choice", line, text);
}

static CK_ULONG hex(const char *text, unsigned char *bytes, CK_ULONG room, int line) {
  CK_ULONG length = 0;
  for (; text[0]; text += 2) {
    unsigned byte;
    int used = 0;
    if (length == room || sscanf(text, "%2x%n", &byte, &used) != 1 || used != 2)
      shim_die("control line %d: \"%s\" is not hexadecimal", line, text);
    bytes[length++] = (unsigned char)byte;
  }
  return length;
}

static void lie_about(struct effects *effects, char *text, int line) {
  char *colon = strchr(text, ':');
  if (!colon || effects->lie_count == 8) shim_die("control line %d: attr=TYPE:HEX, at most 8 a rule", line);
  *colon = 0;
  struct lie *lie = &effects->lies[effects->lie_count++];
  lie->type = number(text, line);
  if (!strcmp(colon + 1, "unavailable")) lie->unavailable = true;
  else lie->length = hex(colon + 1, lie->value, sizeof lie->value, line);
}

static void only_for(const struct rule *rule, const char *key, int line, int one, int two, int three) {
  if (rule->function != one && rule->function != two && rule->function != three)
    shim_die("control line %d: \"%s\" does not go with this function", line, key);
}

static void read_word(struct rule *rule, char *word, int line) {
  struct effects *effects = &rule->effects;
  char *value = strchr(word, '=');
  if (value) *value++ = 0;
#define IS(name) (!strcmp(word, name) && value)
#define FLAG(name) (!strcmp(word, name) && !value)
  if (IS("pid")) rule->pid = (pid_t)number(value, line);
  else if (IS("after")) rule->after = number(value, line);
  else if (IS("times")) rule->times = number(value, line);
  else if (IS("claim")) {
    if (!*value || strlen(value) >= sizeof rule->claim) shim_die("control line %d: claim=PATH", line);
    strcpy(rule->claim, value);
  } else if (FLAG("forward")) effects->forward = true;
  else if (FLAG("leave_active")) {
    only_for(rule, word, line, F_C_Encrypt, F_C_Decrypt, F_C_Decrypt);
    effects->leave_active = true;
  } else if (IS("strict")) {
    only_for(rule, word, line, F_C_EncryptInit, F_C_EncryptInit, F_C_EncryptInit);
    effects->lenient = choice(value, (const char *const[]){"1", "0", NULL}, line);
  } else {
    rule->acts = true;
    if (IS("delay_us")) effects->delay_us = number(value, line);
    else if (IS("timer_us")) effects->timer_us = number(value, line);
    else if (IS("wait")) {
      if (!*value || strlen(value) >= sizeof effects->wait) shim_die("control line %d: wait=PATH", line);
      strcpy(effects->wait, value);
    } else if (FLAG("hang")) effects->hang = true;
    else if (FLAG("crash")) effects->crash = CRASH_ABORT;
    else if (IS("crash"))
      effects->crash = (enum crash)choice(value, (const char *const[]){"", "abort", "segv", "kill", "exit", NULL}, line);
    else if (IS("rv")) {
      effects->answers = true;
      effects->rv = number(value, line);
    } else if (IS("iv")) {
      only_for(rule, word, line, F_C_EncryptInit, F_C_EncryptInit, F_C_EncryptInit);
      const int place = choice(
        value, (const char *const[]){"", "init", "encrypt", "append", "zero", "same", "unchanged", NULL}, line);
      effects->iv = place > IV_APPENDED ? IV_AT_INIT : (enum iv_place)place;
      if (place > IV_APPENDED) effects->iv_value = (enum iv_value)(place - IV_APPENDED);
    } else if (IS("iv_value")) {
      only_for(rule, word, line, F_C_EncryptInit, F_C_EncryptInit, F_C_EncryptInit);
      effects->iv_value = (enum iv_value)choice(
        value, (const char *const[]){"random", "zero", "same", "withheld", "wrong", NULL}, line);
    } else if (IS("iv_bytes")) {
      only_for(rule, word, line, F_C_EncryptInit, F_C_EncryptInit, F_C_EncryptInit);
      effects->iv_bytes = choice(value, (const char *const[]){"12", "16", NULL}, line) ? 16 : 12;
    } else if (IS("as_gcm") && (rule->function == F_C_GetMechanismList || rule->function == F_C_GetMechanismInfo)) {
      effects->as_gcm = number(value, line);
    } else if (FLAG("hold") || FLAG("no_iv_bits") || IS("as_gcm")) {
      only_for(rule, word, line, F_C_EncryptInit, F_C_DecryptInit, F_C_DecryptInit);
      if (FLAG("hold")) effects->hold = true;
      else if (FLAG("no_iv_bits")) effects->no_iv_bits = true;
      else effects->as_gcm = number(value, line);
    } else if (FLAG("corrupt") || IS("corrupt")) {
      only_for(rule, word, line, F_C_Encrypt, F_C_Decrypt, F_C_Decrypt);
      effects->corrupt =
        !value ? CORRUPT_ANY
               : (enum corrupt)choice(value, (const char *const[]){"", "any", "ciphertext", "tag", NULL}, line);
    } else if (IS("attr")) {
      only_for(rule, word, line, F_C_GetAttributeValue, F_C_GetAttributeValue, F_C_GetAttributeValue);
      lie_about(effects, value, line);
    } else if (FLAG("duplicate") || FLAG("empty")) {
      only_for(rule, word, line, F_C_FindObjects, F_C_FindObjects, F_C_FindObjects);
      if (FLAG("empty")) effects->empty = true;
      else effects->duplicate = true;
    } else if (IS("ghosts")) {
      only_for(rule, word, line, F_C_GetSlotList, F_C_GetSlotList, F_C_GetSlotList);
      effects->ghosts = number(value, line);
    } else if (FLAG("uninitialised")) {
      only_for(rule, word, line, F_C_GetSlotInfo, F_C_GetTokenInfo, F_C_GetTokenInfo);
      effects->uninitialised = true;
    } else if (FLAG("nonblocking")) {
      only_for(rule, word, line, F_C_Initialize, F_C_Initialize, F_C_Initialize);
      effects->nonblocking = true;
    } else if (IS("sessions") || IS("all_sessions")) {
      only_for(rule, word, line, F_C_OpenSession, F_C_OpenSession, F_C_OpenSession);
      *(word[0] == 's' ? &effects->sessions : &effects->all_sessions) = number(value, line);
    } else if (IS("refuse")) {
      only_for(rule, word, line, F_C_GenerateKey, F_C_GenerateKey, F_C_GenerateKey);
      if (effects->refused_count == 8) shim_die("control line %d: refuse=TYPE, at most 8 a rule", line);
      effects->refused[effects->refused_count++] = number(value, line);
    } else if (IS("most_id") || IS("most_label") || IS("cut_label")) {
      only_for(rule, word, line, F_C_GenerateKey, F_C_GenerateKey, F_C_GenerateKey);
      *(!strcmp(word, "most_id")      ? &effects->most_id
        : !strcmp(word, "most_label") ? &effects->most_label
                                      : &effects->cut_label) = number(value, line);
    } else if (IS("most_aad") || IS("cut_aad")) {
      only_for(rule, word, line, F_C_EncryptInit, F_C_DecryptInit, F_C_DecryptInit);
      *(word[0] == 'm' ? &effects->most_aad : &effects->cut_aad) = number(value, line);
    } else if (IS("most_data")) {
      only_for(rule, word, line, F_C_Encrypt, F_C_Decrypt, F_C_Decrypt);
      effects->most_data = number(value, line);
    } else if (IS("fill")) {
      only_for(rule, word, line, F_C_GenerateRandom, F_C_GenerateRandom, F_C_GenerateRandom);
      effects->fill = true;
      if (hex(value, &effects->fill_byte, 1, line) != 1) shim_die("control line %d: fill=HH", line);
    } else if (IS("set_flags") || IS("clear_flags")) {
      only_for(rule, word, line, F_C_GetSlotInfo, F_C_GetTokenInfo, F_C_GetMechanismInfo);
      *(word[0] == 's' ? &effects->set_flags : &effects->clear_flags) = number(value, line);
    } else shim_die("control line %d: \"%s\" is not understood", line, word);
  }
#undef IS
#undef FLAG
}

static void read_line(char *text, int line) {
  char *rest, *word;
  char *comment = strchr(text, '#');
  if (comment) *comment = 0;
  if (!(word = strtok_r(text, " \t\r", &rest))) return;
  if (rule_count == MAX_RULES) shim_die("control line %d: more than %d rules", line, MAX_RULES);
  struct rule *rule = &rules[rule_count];
  memset(rule, 0, sizeof *rule);
  rule->function = EVERY_FUNCTION;
  if (strcmp(word, "*")) {
    rule->function = 0;
    while (rule->function < FUNCTION_COUNT && strcmp(word, function_names[rule->function])) rule->function++;
    if (rule->function == FUNCTION_COUNT) shim_die("control line %d: \"%s\" is not a function", line, word);
  }
  while ((word = strtok_r(NULL, " \t\r", &rest))) read_word(rule, word, line);
  if (!rule->acts) shim_die("control line %d: a rule without an action", line);
  if (rule->effects.forward && !rule->effects.answers) shim_die("control line %d: forward needs rv=", line);
  if (rule->effects.iv_value && !rule->effects.iv) shim_die("control line %d: iv_value needs iv=", line);
  rule_count++;
}

static void read_control(const char *path) {
  struct stat now;
  if (stat(path, &now)) {
    /* A test that tidied up before its processes ended; one that never wrote the file has a mistake in it. */
    if (errno == ENOENT && was_read) rule_count = 0;
    else shim_die("control file %s: %s", path, strerror(errno));
    return;
  }
  if (was_read && now.st_ino == last.st_ino && now.st_dev == last.st_dev && now.st_size == last.st_size &&
      now.st_mtim.tv_sec == last.st_mtim.tv_sec && now.st_mtim.tv_nsec == last.st_mtim.tv_nsec)
    return;
  FILE *file = fopen(path, "re");
  if (!file) shim_die("control file %s: %s", path, strerror(errno));
  /* The file opened may already be a newer one than stat() saw: remember the one that is read. */
  if (fstat(fileno(file), &last)) shim_die("control file %s: %s", path, strerror(errno));
  char *text = NULL;
  size_t size = 0;
  rule_count = 0;
  for (int line = 1; getline(&text, &size, file) != -1; line++) {
    text[strcspn(text, "\n")] = 0;
    read_line(text, line);
  }
  free(text);
  fclose(file);
  was_read = true;
}

/* ---- counting: a shared file of one record a function, so that the reader needs no table ---- */

struct counter {
  char name[56];
  _Atomic uint64_t calls;
};
static struct counter *counters;
static pthread_once_t counters_once = PTHREAD_ONCE_INIT;

static void open_counters(void) {
  const char *path = getenv("HOLDFAST_SHIM_COUNTS");
  if (!path || !*path) return;
  const size_t size = sizeof(struct counter) * FUNCTION_COUNT;
  const int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0 || ftruncate(file, (off_t)size)) shim_die("counter file %s: %s", path, strerror(errno));
  void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (memory == MAP_FAILED) shim_die("counter file %s: %s", path, strerror(errno));
  close(file);
  counters = memory;
  for (int i = 0; i < FUNCTION_COUNT; i++) strncpy(counters[i].name, function_names[i], sizeof counters[i].name - 1);
}

/* ---- acting ---- */

static bool applies(struct rule *rule, enum function function) {
  if (rule->function != EVERY_FUNCTION && rule->function != (int)function) return false;
  if (rule->pid && rule->pid != getpid()) return false;
  if (rule->seen++ < rule->after) return false;
  if (rule->times && rule->fired >= rule->times) return false;
  if (*rule->claim && !rule->claimed) {
    if (rule->lost || unlink(rule->claim)) {
      rule->lost = true;
      return false;
    }
    rule->claimed = true;
  }
  rule->fired++;
  return true;
}

static void add(struct effects *sum, const struct effects *more) {
  sum->delay_us += more->delay_us;
  if (!sum->timer_us) sum->timer_us = more->timer_us;
  if (!*sum->wait) strcpy(sum->wait, more->wait);
  sum->hang |= more->hang;
  if (!sum->crash) sum->crash = more->crash;
  if (!sum->answers && more->answers) {
    sum->answers = true;
    sum->rv = more->rv;
    sum->forward = more->forward;
    sum->leave_active = more->leave_active;
  }
  if (!sum->iv && more->iv) {
    sum->iv = more->iv;
    sum->iv_value = more->iv_value;
    sum->iv_bytes = more->iv_bytes;
    sum->lenient = more->lenient;
  }
  sum->hold |= more->hold;
  if (!sum->as_gcm) sum->as_gcm = more->as_gcm;
  sum->no_iv_bits |= more->no_iv_bits;
  if (!sum->corrupt) sum->corrupt = more->corrupt;
  for (unsigned i = 0; i < more->lie_count && sum->lie_count < 8; i++) sum->lies[sum->lie_count++] = more->lies[i];
  sum->duplicate |= more->duplicate;
  sum->empty |= more->empty;
  if (!sum->fill && more->fill) {
    sum->fill = true;
    sum->fill_byte = more->fill_byte;
  }
  if (!sum->ghosts) sum->ghosts = more->ghosts;
  sum->uninitialised |= more->uninitialised;
  sum->nonblocking |= more->nonblocking;
  for (unsigned i = 0; i < more->refused_count && sum->refused_count < 8; i++)
    sum->refused[sum->refused_count++] = more->refused[i];
  if (!sum->sessions) sum->sessions = more->sessions;
  if (!sum->all_sessions) sum->all_sessions = more->all_sessions;
  if (!sum->most_id) sum->most_id = more->most_id;
  if (!sum->most_label) sum->most_label = more->most_label;
  if (!sum->cut_label) sum->cut_label = more->cut_label;
  if (!sum->most_aad) sum->most_aad = more->most_aad;
  if (!sum->cut_aad) sum->cut_aad = more->cut_aad;
  if (!sum->most_data) sum->most_data = more->most_data;
  sum->set_flags |= more->set_flags;
  sum->clear_flags |= more->clear_flags;
}

static void crash(enum crash how) {
  setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
  const int signals[] = {[CRASH_ABORT] = SIGABRT, [CRASH_SEGV] = SIGSEGV, [CRASH_KILL] = SIGKILL};
  if (how == CRASH_EXIT) _exit(70);
  signal(signals[how], SIG_DFL);
  kill(getpid(), signals[how]);
  for (;;) pause();
}

static void ignore(int number) { (void)number; }

static void start_timer(uint64_t period) {
  sigaction(SIGALRM, &(struct sigaction){.sa_handler = ignore}, NULL);
  const struct timeval every = {(time_t)(period / 1000000), (suseconds_t)(period % 1000000)};
  setitimer(ITIMER_REAL, &(struct itimerval){every, every}, NULL);
}

bool shim_enter(enum function function, struct effects *effects) {
  memset(effects, 0, sizeof *effects);
  pthread_once(&counters_once, open_counters);
  if (counters) atomic_fetch_add(&counters[function].calls, 1);

  const char *path = getenv("HOLDFAST_SHIM_CONTROL");
  if (path && *path) {
    pthread_mutex_lock(&lock);
    read_control(path);
    for (unsigned i = 0; i < rule_count; i++)
      if (applies(&rules[i], function)) add(effects, &rules[i].effects);
    pthread_mutex_unlock(&lock);
  }

  if (effects->timer_us) start_timer(effects->timer_us);
  for (int file = 3; effects->nonblocking && file <= 4; file++)
    if (fcntl(file, F_SETFL, fcntl(file, F_GETFL) | O_NONBLOCK)) shim_die("descriptor %d: %s", file, strerror(errno));
  struct timespec left = {(time_t)(effects->delay_us / 1000000), (long)(effects->delay_us % 1000000) * 1000};
  while (effects->delay_us && nanosleep(&left, &left) && errno == EINTR) continue;
  while (*effects->wait && !access(effects->wait, F_OK)) nanosleep(&(struct timespec){0, 1000000}, NULL);
  if (effects->hang)
    for (;;) pause();
  if (effects->crash) crash(effects->crash);
  return !effects->answers || effects->forward;
}

CK_RV shim_leave(const struct effects *effects, CK_RV rv) { return effects->answers ? effects->rv : rv; }
