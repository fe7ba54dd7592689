#define _GNU_SOURCE
#include "gcm.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* PKCS#11 v2.30, still what some modules want. */
struct gcm_params_v230 {
  CK_BYTE *pIv;
  CK_ULONG ulIvLen;
  CK_BYTE *pAAD;
  CK_ULONG ulAADLen;
  CK_ULONG ulTagBits;
};

/* What a library keeps between Init and the call: the caller's own pointers among it. */
struct operation {
  struct operation *next;
  CK_SESSION_HANDLE session;
  enum direction direction;
  CK_ULONG tag_bits;
  enum iv_place place;
  unsigned char used[256], shown[16];
  bool shows;
  CK_ULONG iv_bytes;
  CK_BYTE *caller_iv, *caller_aad;
  CK_ULONG caller_iv_bytes, caller_aad_bytes;
  unsigned char *expected_iv, *expected_aad; /* NULL: not watched */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct operation *operations;

static void release(struct operation *operation) {
  free(operation->expected_iv);
  free(operation->expected_aad);
  free(operation);
}

static struct operation *take(CK_SESSION_HANDLE session, enum direction direction) {
  pthread_mutex_lock(&lock);
  struct operation **link = &operations, *found;
  while (*link && ((*link)->session != session || (*link)->direction != direction)) link = &(*link)->next;
  if ((found = *link)) *link = found->next;
  pthread_mutex_unlock(&lock);
  return found;
}

static void keep(struct operation *operation) {
  pthread_mutex_lock(&lock);
  operation->next = operations;
  operations = operation;
  pthread_mutex_unlock(&lock);
}

void gcm_forget(CK_SESSION_HANDLE session) {
  pthread_mutex_lock(&lock);
  for (struct operation **link = &operations; *link;) {
    struct operation *operation = *link;
    if (session && operation->session != session) {
      link = &operation->next;
      continue;
    }
    *link = operation->next;
    release(operation);
  }
  pthread_mutex_unlock(&lock);
}

static void *copy(const void *bytes, CK_ULONG length) {
  void *made = malloc(length);
  if (!made) shim_die("out of memory");
  return memcpy(made, bytes, length);
}

static void fill_random(unsigned char *bytes, size_t length) {
  if (getrandom(bytes, length, 0) != (ssize_t)length) shim_die("getrandom failed");
}

static bool read_params(const CK_MECHANISM *mechanism, bool v230, CK_GCM_PARAMS *params) {
  if (!mechanism->pParameter) return false;
  if (!v230) {
    if (mechanism->ulParameterLen != sizeof *params) return false;
    memcpy(params, mechanism->pParameter, sizeof *params);
    return true;
  }
  struct gcm_params_v230 old;
  if (mechanism->ulParameterLen != sizeof old) return false;
  memcpy(&old, mechanism->pParameter, sizeof old);
  *params = (CK_GCM_PARAMS){old.pIv, old.ulIvLen, old.ulIvLen * 8, old.pAAD, old.ulAADLen, old.ulTagBits};
  return true;
}

/* Puts an IV of the "HSM's" own in the place of the caller's. */
static CK_RV make_iv(struct operation *operation, CK_GCM_PARAMS *params, const struct effects *effects) {
  const bool appended = effects->iv == IV_APPENDED;
  bool given = false;
  for (CK_ULONG i = 0; i < params->ulIvLen; i++) given |= params->pIv[i] != 0;
  if (appended ? params->ulIvLen != 0 : given) {
    if (!effects->lenient) return CKR_MECHANISM_PARAM_INVALID;
    if (appended) return CKR_OK; /* Luna outside FIPS mode: an IV that is given is used */
  }
  if (!appended && (!params->pIv || params->ulIvLen != (effects->iv_bytes ? effects->iv_bytes : 12)))
    return CKR_MECHANISM_PARAM_INVALID;

  operation->place = effects->iv;
  operation->iv_bytes = effects->iv_bytes ? effects->iv_bytes
                        : !appended       ? params->ulIvLen
                                          : (params->ulIvBits == 96 ? 12 : 16);
  if (effects->iv_value == IV_ZERO) memset(operation->used, 0, sizeof operation->used);
  else if (effects->iv_value == IV_SAME) memset(operation->used, 0xa5, sizeof operation->used);
  else fill_random(operation->used, operation->iv_bytes);
  memcpy(operation->shown, operation->used, sizeof operation->shown);
  if (effects->iv_value == IV_WRONG) operation->shown[0] ^= 1;
  operation->shows = effects->iv_value != IV_WITHHELD;
  params->pIv = operation->used;
  params->ulIvLen = operation->iv_bytes;
  params->ulIvBits = operation->iv_bytes * 8;
  return CKR_OK;
}

static CK_RV forward_init(enum direction direction, CK_FUNCTION_LIST *real, CK_SESSION_HANDLE session,
                          CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key) {
  return direction == ENCRYPTING ? real->C_EncryptInit(session, mechanism, key)
                                 : real->C_DecryptInit(session, mechanism, key);
}

CK_RV gcm_init(enum direction direction, CK_FUNCTION_LIST *real, CK_SESSION_HANDLE session, CK_MECHANISM *mechanism,
               CK_OBJECT_HANDLE key, const struct effects *effects) {
  const bool plain = !effects->iv && !effects->hold && !effects->as_gcm && !effects->no_iv_bits;
  if (plain || !mechanism) return forward_init(direction, real, session, mechanism, key);
  if (effects->as_gcm && mechanism->mechanism == CKM_AES_GCM) return CKR_MECHANISM_INVALID;
  if (mechanism->mechanism != (effects->as_gcm ? effects->as_gcm : CKM_AES_GCM))
    return forward_init(direction, real, session, mechanism, key);

  CK_GCM_PARAMS params;
  if (!read_params(mechanism, effects->no_iv_bits, &params)) return CKR_MECHANISM_PARAM_INVALID;
  struct operation *operation = calloc(1, sizeof *operation);
  if (!operation) shim_die("out of memory");
  operation->session = session;
  operation->direction = direction;
  operation->tag_bits = params.ulTagBits;
  operation->caller_iv = params.pIv;
  operation->caller_iv_bytes = params.ulIvLen;
  operation->caller_aad = params.pAAD;
  operation->caller_aad_bytes = params.ulAADLen;
  CK_RV rv = effects->iv ? make_iv(operation, &params, effects) : CKR_OK;
  if (rv == CKR_OK) {
    CK_MECHANISM ours = {CKM_AES_GCM, &params, sizeof params};
    rv = forward_init(direction, real, session, &ours, key);
  }
  if (rv != CKR_OK) {
    release(operation);
    return rv;
  }

  if (operation->place == IV_AT_INIT && operation->shows)
    memcpy(operation->caller_iv, operation->shown, operation->iv_bytes);
  if ((effects->hold || operation->place != IV_CALLER) && operation->caller_aad_bytes)
    operation->expected_aad = copy(operation->caller_aad, operation->caller_aad_bytes);
  if ((effects->hold || operation->place == IV_AT_ENCRYPT) && operation->caller_iv_bytes)
    operation->expected_iv = copy(operation->caller_iv, operation->caller_iv_bytes);
  keep(operation);
  return CKR_OK;
}

static void check_held(const struct operation *operation) {
  if (operation->expected_iv && memcmp(operation->expected_iv, operation->caller_iv, operation->caller_iv_bytes))
    shim_die("the IV given to the Init call was not there any more");
  if (operation->expected_aad && memcmp(operation->expected_aad, operation->caller_aad, operation->caller_aad_bytes))
    shim_die("the AAD given to the Init call was not there any more");
}

static void flip(CK_BYTE *bytes, CK_ULONG length, CK_ULONG tail, CK_ULONG tag, enum corrupt corrupt) {
  const CK_ULONG body = length > tail ? length - tail : 0; /* the tail is tag and IV */
  if (corrupt == CORRUPT_CIPHERTEXT && body) bytes[0] ^= 1;
  else if (corrupt == CORRUPT_TAG && tag && length >= tail) bytes[body] ^= 1;
  else if (corrupt == CORRUPT_ANY && length) bytes[length / 2] ^= 1;
}

CK_RV gcm_run(enum direction direction, CK_FUNCTION_LIST *real, CK_SESSION_HANDLE session, CK_BYTE *in,
              CK_ULONG in_length, CK_BYTE *out, CK_ULONG *out_length, const struct effects *effects) {
  struct operation *operation = take(session, direction);
  if (operation) check_held(operation);
  const bool appends = operation && operation->place == IV_APPENDED && operation->shows;
  const CK_ULONG extra = appends ? operation->iv_bytes : 0;
  const CK_ULONG tag = direction == DECRYPTING ? 0 : operation ? operation->tag_bits / 8 : 16;

  if (appends && out_length) {
    const CK_ULONG needed = in_length + tag + extra;
    if (!out || *out_length < needed) {
      *out_length = needed;
      keep(operation);
      return out ? CKR_BUFFER_TOO_SMALL : CKR_OK;
    }
    *out_length -= extra;
  }
  CK_RV rv = direction == ENCRYPTING ? real->C_Encrypt(session, in, in_length, out, out_length)
                                     : real->C_Decrypt(session, in, in_length, out, out_length);
  if (rv == CKR_OK && out) {
    if (operation && operation->place == IV_AT_ENCRYPT && operation->shows)
      memcpy(operation->caller_iv, operation->shown, operation->iv_bytes);
    if (appends) {
      memcpy(out + *out_length, operation->shown, extra);
      *out_length += extra;
    }
    flip(out, *out_length, tag + extra, tag, effects->corrupt);
  }
  if (operation) {
    if (rv == CKR_BUFFER_TOO_SMALL || (rv == CKR_OK && !out)) keep(operation);
    else release(operation);
  }
  return rv;
}

void gcm_discard(enum direction direction, CK_FUNCTION_LIST *real, CK_SESSION_HANDLE session, CK_BYTE *in,
                 CK_ULONG in_length) {
  CK_ULONG room = in_length + 64;
  CK_BYTE *nowhere = malloc(room);
  if (!nowhere) shim_die("out of memory");
  if (direction == ENCRYPTING) real->C_Encrypt(session, in, in_length, nowhere, &room);
  else real->C_Decrypt(session, in, in_length, nowhere, &room);
  free(nowhere);
  struct operation *operation = take(session, direction);
  if (operation) release(operation);
}
