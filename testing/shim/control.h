/* What the shim may be told to do, and who is told. The grammar is in control.c. */
#ifndef HOLDFAST_SHIM_CONTROL_H
#define HOLDFAST_SHIM_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

/* "RSA Security Inc. PKCS #11 Cryptographic Token Interface (Cryptoki)", as pkcs11js ships it. */
#include <pkcs11.h>

#undef CK_PKCS11_FUNCTION_INFO
#undef CK_NEED_ARG_LIST
#define CK_PKCS11_FUNCTION_INFO(name) F_##name,
enum function {
#include <pkcs11f.h>
  FUNCTION_COUNT
};
#undef CK_PKCS11_FUNCTION_INFO

enum crash { CRASH_NONE, CRASH_ABORT, CRASH_SEGV, CRASH_KILL, CRASH_EXIT };
enum corrupt { CORRUPT_NONE, CORRUPT_ANY, CORRUPT_CIPHERTEXT, CORRUPT_TAG };
/* Where an IV that the "HSM" makes comes back. */
enum iv_place { IV_CALLER, IV_AT_INIT, IV_AT_ENCRYPT, IV_APPENDED };
/* What it is: honest, or one of four lies. */
enum iv_value { IV_RANDOM, IV_ZERO, IV_SAME, IV_WITHHELD, IV_WRONG };

struct lie {
  CK_ATTRIBUTE_TYPE type;
  bool unavailable;
  CK_ULONG length;
  unsigned char value[32];
};

struct effects {
  uint64_t delay_us;
  uint64_t timer_us;
  char wait[512];
  bool hang;
  enum crash crash;
  bool answers; /* rv is returned, after the real call if `forward`, instead of it if not */
  bool forward;
  CK_RV rv;
  bool leave_active;

  enum iv_place iv;
  enum iv_value iv_value;
  unsigned iv_bytes; /* 0: as the caller's parameters say */
  bool lenient;
  bool hold;
  CK_MECHANISM_TYPE as_gcm;
  bool no_iv_bits;
  enum corrupt corrupt;

  struct lie lies[8];
  unsigned lie_count;
  bool duplicate;
  bool empty;
  bool fill;
  unsigned char fill_byte;
  CK_ULONG ghosts;
  bool uninitialised;
  bool nonblocking;
  /* 0: no limit */
  CK_ULONG refused[8];
  unsigned refused_count;
  CK_ULONG sessions, all_sessions, most_id, most_label, cut_label, most_aad, cut_aad, most_data;
  CK_FLAGS set_flags;
  CK_FLAGS clear_flags;
};

extern const char *const function_names[FUNCTION_COUNT];

/* Counts the call, reads the control file if it changed, and does what happens before the real call.
   Returns false where the real call must not be made: `effects->rv` is the answer. */
bool shim_enter(enum function function, struct effects *effects);
/* The answer after the real call. */
CK_RV shim_leave(const struct effects *effects, CK_RV rv);
/* For everything that must not go unnoticed: writes to stderr and aborts. */
_Noreturn void shim_die(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
