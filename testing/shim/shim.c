/*
 * A PKCS#11 module of the tests' own. Every call goes to a real token (SoftHSM, or HOLDFAST_SHIM_MODULE), except
 * where the control file says that this HSM is slow, sick, dead or lying. See control.c for what it can be told.
 */
#define _GNU_SOURCE
#include "control.h"
#include "gcm.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static CK_FUNCTION_LIST *real;
static pthread_once_t load_once = PTHREAD_ONCE_INIT;

static void load(void) {
  const char *path = getenv("HOLDFAST_SHIM_MODULE");
  if (!path || !*path) path = "/usr/lib/softhsm/libsofthsm2.so";
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!library) shim_die("%s", dlerror());
  CK_C_GetFunctionList get;
  *(void **)&get = dlsym(library, "C_GetFunctionList");
  if (!get || get(&real) != CKR_OK) shim_die("%s has no PKCS#11 function list", path);
}

#define CALL(name, parameters, arguments) \
  static CK_RV name##_ parameters { \
    struct effects effects; \
    if (!shim_enter(F_##name, &effects)) return effects.rv; \
    return shim_leave(&effects, real->name arguments); \
  }

typedef CK_SESSION_HANDLE S;
typedef CK_OBJECT_HANDLE O;
typedef CK_MECHANISM *M;
typedef CK_ATTRIBUTE *A;
typedef CK_BYTE *B;
typedef CK_ULONG L;
typedef CK_ULONG *LP;

CALL(C_Initialize, (void *args), (args))
CALL(C_GetInfo, (CK_INFO *info), (info))
CALL(C_InitToken, (CK_SLOT_ID slot, B pin, L length, B label), (slot, pin, length, label))
CALL(C_InitPIN, (S session, B pin, L length), (session, pin, length))
CALL(C_SetPIN, (S session, B old, L old_length, B new, L new_length), (session, old, old_length, new, new_length))
CALL(C_GetSessionInfo, (S session, CK_SESSION_INFO *info), (session, info))
CALL(C_GetOperationState, (S session, B state, LP length), (session, state, length))
CALL(C_SetOperationState, (S session, B state, L length, O encryption, O authentication),
     (session, state, length, encryption, authentication))
CALL(C_Login, (S session, CK_USER_TYPE user, B pin, L length), (session, user, pin, length))
CALL(C_Logout, (S session), (session))
CALL(C_CreateObject, (S session, A template, L count, O *object), (session, template, count, object))
CALL(C_CopyObject, (S session, O from, A template, L count, O *to), (session, from, template, count, to))
CALL(C_DestroyObject, (S session, O object), (session, object))
CALL(C_GetObjectSize, (S session, O object, LP size), (session, object, size))
CALL(C_SetAttributeValue, (S session, O object, A template, L count), (session, object, template, count))
CALL(C_FindObjectsInit, (S session, A template, L count), (session, template, count))
CALL(C_EncryptUpdate, (S session, B in, L in_length, B out, LP length), (session, in, in_length, out, length))
CALL(C_EncryptFinal, (S session, B out, LP length), (session, out, length))
CALL(C_DecryptUpdate, (S session, B in, L in_length, B out, LP length), (session, in, in_length, out, length))
CALL(C_DecryptFinal, (S session, B out, LP length), (session, out, length))
CALL(C_DigestInit, (S session, M mechanism), (session, mechanism))
CALL(C_Digest, (S session, B in, L in_length, B out, LP length), (session, in, in_length, out, length))
CALL(C_DigestUpdate, (S session, B in, L length), (session, in, length))
CALL(C_DigestKey, (S session, O key), (session, key))
CALL(C_DigestFinal, (S session, B out, LP length), (session, out, length))
CALL(C_SignInit, (S session, M mechanism, O key), (session, mechanism, key))
CALL(C_Sign, (S session, B in, L in_length, B out, LP length), (session, in, in_length, out, length))
CALL(C_SignUpdate, (S session, B in, L length), (session, in, length))
CALL(C_SignFinal, (S session, B out, LP length), (session, out, length))
CALL(C_SignRecoverInit, (S session, M mechanism, O key), (session, mechanism, key))
CALL(C_SignRecover, (S session, B in, L in_length, B out, LP length), (session, in, in_length, out, length))
CALL(C_VerifyInit, (S session, M mechanism, O key), (session, mechanism, key))
CALL(C_Verify, (S session, B in, L in_length, B signature, L length), (session, in, in_length, signature, length))
CALL(C_VerifyUpdate, (S session, B in, L length), (session, in, length))
CALL(C_VerifyFinal, (S session, B signature, L length), (session, signature, length))
CALL(C_VerifyRecoverInit, (S session, M mechanism, O key), (session, mechanism, key))
CALL(C_VerifyRecover, (S session, B signature, L in_length, B out, LP length),
     (session, signature, in_length, out, length))
CALL(C_DigestEncryptUpdate, (S session, B in, L in_length, B out, LP length), (session, in, in_length, out, length))
CALL(C_DecryptDigestUpdate, (S session, B in, L in_length, B out, LP length), (session, in, in_length, out, length))
CALL(C_SignEncryptUpdate, (S session, B in, L in_length, B out, LP length), (session, in, in_length, out, length))
CALL(C_DecryptVerifyUpdate, (S session, B in, L in_length, B out, LP length), (session, in, in_length, out, length))
CALL(C_GenerateKeyPair,
     (S session, M mechanism, A public_template, L public_count, A private_template, L private_count, O *public_key,
      O *private_key),
     (session, mechanism, public_template, public_count, private_template, private_count, public_key, private_key))
CALL(C_WrapKey, (S session, M mechanism, O wrapping, O key, B out, LP length),
     (session, mechanism, wrapping, key, out, length))
CALL(C_UnwrapKey, (S session, M mechanism, O unwrapping, B in, L in_length, A template, L count, O *key),
     (session, mechanism, unwrapping, in, in_length, template, count, key))
CALL(C_DeriveKey, (S session, M mechanism, O base, A template, L count, O *key),
     (session, mechanism, base, template, count, key))
CALL(C_SeedRandom, (S session, B seed, L length), (session, seed, length))
CALL(C_GetFunctionStatus, (S session), (session))
CALL(C_CancelFunction, (S session), (session))
CALL(C_WaitForSlotEvent, (CK_FLAGS flags, CK_SLOT_ID *slot, void *reserved), (flags, slot, reserved))

static bool is_initialised(CK_SLOT_ID slot) {
  CK_TOKEN_INFO info;
  return real->C_GetTokenInfo(slot, &info) == CKR_OK && (info.flags & CKF_TOKEN_INITIALIZED);
}

#define INFORM_OF_SLOT(name, type) \
  static CK_RV name##_(CK_SLOT_ID slot, type *info) { \
    struct effects effects; \
    const bool calls = shim_enter(F_##name, &effects); \
    if (effects.uninitialised && is_initialised(slot)) return real->name(slot, info); \
    if (!calls) return effects.rv; \
    const CK_RV rv = real->name(slot, info); \
    if (rv == CKR_OK) info->flags = (info->flags | effects.set_flags) & ~effects.clear_flags; \
    return shim_leave(&effects, rv); \
  }

INFORM_OF_SLOT(C_GetSlotInfo, CK_SLOT_INFO)
INFORM_OF_SLOT(C_GetTokenInfo, CK_TOKEN_INFO)

static CK_RV C_GetMechanismInfo_(CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *info) {
  struct effects effects;
  if (!shim_enter(F_C_GetMechanismInfo, &effects)) return effects.rv;
  if (effects.as_gcm && type == CKM_AES_GCM) return CKR_MECHANISM_INVALID;
  const CK_RV rv = real->C_GetMechanismInfo(slot, effects.as_gcm && type == effects.as_gcm ? CKM_AES_GCM : type, info);
  if (rv == CKR_OK) info->flags = (info->flags | effects.set_flags) & ~effects.clear_flags;
  return shim_leave(&effects, rv);
}

static CK_RV C_GetMechanismList_(CK_SLOT_ID slot, CK_MECHANISM_TYPE *list, LP count) {
  struct effects effects;
  if (!shim_enter(F_C_GetMechanismList, &effects)) return effects.rv;
  const CK_RV rv = real->C_GetMechanismList(slot, list, count);
  for (CK_ULONG i = 0; rv == CKR_OK && list && effects.as_gcm && i < *count; i++)
    if (list[i] == CKM_AES_GCM) list[i] = effects.as_gcm;
  return shim_leave(&effects, rv);
}

/* Slots of which nothing can be read: the real module does not know their numbers. */
static CK_RV C_GetSlotList_(CK_BBOOL present, CK_SLOT_ID *slots, LP count) {
  struct effects effects;
  if (!shim_enter(F_C_GetSlotList, &effects)) return effects.rv;
  const CK_ULONG ghosts = effects.ghosts, room = slots && *count > ghosts ? *count - ghosts : 0;
  CK_ULONG real_count = room;
  CK_RV rv = real->C_GetSlotList(present, slots ? slots + (room ? ghosts : 0) : NULL, &real_count);
  if (slots && rv == CKR_OK)
    for (CK_ULONG i = 0; i < ghosts; i++) slots[i] = 0xdead0000 + i;
  *count = real_count + ghosts;
  return shim_leave(&effects, rv);
}

static void let_go(S session);

static CK_RV C_Finalize_(void *reserved) {
  struct effects effects;
  if (!shim_enter(F_C_Finalize, &effects)) return effects.rv;
  gcm_forget(0);
  let_go(0);
  return shim_leave(&effects, real->C_Finalize(reserved));
}

/* Open in this process. */
static _Atomic CK_ULONG sessions;

/* ---- the sessions of all processes: each holds a byte of a shared file, which the kernel frees with its process ---- */

#define MOST_SESSIONS 256
static S held[MOST_SESSIONS];
static pthread_mutex_t held_lock = PTHREAD_MUTEX_INITIALIZER;

static int sessions_file(void) {
  static int file = -1;
  const char *control = getenv("HOLDFAST_SHIM_CONTROL");
  if (file < 0 && control && *control) {
    char path[4096];
    snprintf(path, sizeof path, "%s.sessions", control);
    if ((file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600)) < 0) shim_die("%s cannot be opened", path);
  }
  return file;
}

static bool byte_lock(int file, int command, short type, off_t byte) {
  struct flock range = {.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
  return !fcntl(file, command, &range) && (command != F_OFD_GETLK || range.l_type == F_UNLCK);
}

/* Opens one for which there is room; the last byte keeps others from counting meanwhile. */
static CK_RV open_session(CK_SLOT_ID slot, CK_FLAGS flags, void *application, CK_NOTIFY notify, S *session, L most) {
  const int file = sessions_file();
  if (file < 0) return real->C_OpenSession(slot, flags, application, notify, session);
  pthread_mutex_lock(&held_lock);
  byte_lock(file, F_OFD_SETLKW, F_WRLCK, MOST_SESSIONS);
  L open = 0;
  int free_byte = -1;
  for (int i = 0; i < MOST_SESSIONS; i++) {
    if (held[i] || !byte_lock(file, F_OFD_GETLK, F_WRLCK, i)) open++;
    else if (free_byte < 0) free_byte = i;
  }
  CK_RV rv = CKR_SESSION_COUNT;
  if (free_byte >= 0 && !(most && open >= most)) {
    rv = real->C_OpenSession(slot, flags, application, notify, session);
    if (rv == CKR_OK && byte_lock(file, F_OFD_SETLK, F_WRLCK, free_byte)) held[free_byte] = *session;
  }
  byte_lock(file, F_OFD_SETLK, F_UNLCK, MOST_SESSIONS);
  pthread_mutex_unlock(&held_lock);
  return rv;
}

/* 0 for all of this process. */
static void let_go(S session) {
  pthread_mutex_lock(&held_lock);
  for (int i = 0; i < MOST_SESSIONS; i++) {
    if (!held[i] || (session && held[i] != session)) continue;
    byte_lock(sessions_file(), F_OFD_SETLK, F_UNLCK, i);
    held[i] = 0;
  }
  pthread_mutex_unlock(&held_lock);
}

static CK_RV C_OpenSession_(CK_SLOT_ID slot, CK_FLAGS flags, void *application, CK_NOTIFY notify, S *session) {
  struct effects effects;
  if (!shim_enter(F_C_OpenSession, &effects)) return effects.rv;
  if (effects.sessions && sessions >= effects.sessions) return CKR_SESSION_COUNT;
  const CK_RV rv = open_session(slot, flags, application, notify, session, effects.all_sessions);
  if (rv == CKR_OK) sessions++;
  return shim_leave(&effects, rv);
}

static CK_RV C_CloseSession_(S session) {
  struct effects effects;
  if (!shim_enter(F_C_CloseSession, &effects)) return effects.rv;
  gcm_forget(session);
  const CK_RV rv = real->C_CloseSession(session);
  if (rv == CKR_OK) {
    sessions--;
    let_go(session);
  }
  return shim_leave(&effects, rv);
}

static CK_RV C_GenerateKey_(S session, M mechanism, A template, L count, O *key) {
  struct effects effects;
  if (!shim_enter(F_C_GenerateKey, &effects)) return effects.rv;
  CK_ATTRIBUTE asked[64];
  if (count > 64) shim_die("a template of more than 64 attributes");
  for (CK_ULONG i = 0; i < count; i++) {
    asked[i] = template[i];
    for (unsigned j = 0; j < effects.refused_count; j++)
      if (asked[i].type == effects.refused[j]) return CKR_ATTRIBUTE_TYPE_INVALID;
    const CK_ULONG most = asked[i].type == CKA_ID ? effects.most_id : asked[i].type == CKA_LABEL ? effects.most_label : 0;
    if (most && asked[i].ulValueLen > most) return CKR_ATTRIBUTE_VALUE_INVALID;
    if (asked[i].type == CKA_LABEL && effects.cut_label && asked[i].ulValueLen > effects.cut_label)
      asked[i].ulValueLen = effects.cut_label;
  }
  return shim_leave(&effects, real->C_GenerateKey(session, mechanism, asked, count, key));
}

static CK_RV C_CloseAllSessions_(CK_SLOT_ID slot) {
  struct effects effects;
  if (!shim_enter(F_C_CloseAllSessions, &effects)) return effects.rv;
  gcm_forget(0);
  sessions = 0;
  let_go(0);
  return shim_leave(&effects, real->C_CloseAllSessions(slot));
}

/* With no more AAD than the token takes, or what it leaves of it. */
static CK_RV init(enum direction direction, S session, M mechanism, O key, const struct effects *effects) {
  CK_GCM_PARAMS params;
  CK_MECHANISM ours;
  if ((effects->most_aad || effects->cut_aad) && mechanism && mechanism->ulParameterLen == sizeof params) {
    memcpy(&params, mechanism->pParameter, sizeof params);
    if (effects->most_aad && params.ulAADLen > effects->most_aad) return CKR_MECHANISM_PARAM_INVALID;
    if (effects->cut_aad && params.ulAADLen > effects->cut_aad) params.ulAADLen = effects->cut_aad;
    ours = (CK_MECHANISM){mechanism->mechanism, &params, sizeof params};
    mechanism = &ours;
  }
  return gcm_init(direction, real, session, mechanism, key, effects);
}

static CK_RV C_EncryptInit_(S session, M mechanism, O key) {
  struct effects effects;
  if (!shim_enter(F_C_EncryptInit, &effects)) return effects.rv;
  return shim_leave(&effects, init(ENCRYPTING, session, mechanism, key, &effects));
}

static CK_RV C_DecryptInit_(S session, M mechanism, O key) {
  struct effects effects;
  if (!shim_enter(F_C_DecryptInit, &effects)) return effects.rv;
  return shim_leave(&effects, init(DECRYPTING, session, mechanism, key, &effects));
}

static CK_RV run(enum function function, enum direction direction, S session, B in, L in_length, B out, LP length) {
  struct effects effects;
  if (!shim_enter(function, &effects)) {
    /* PKCS#11 v2.40, C_Encrypt: every other error ends the operation. */
    const bool ends = effects.rv != CKR_BUFFER_TOO_SMALL && !effects.leave_active;
    if (ends) gcm_discard(direction, real, session, in, in_length);
    return effects.rv;
  }
  const L tag = direction == DECRYPTING ? 16 : 0;
  if (effects.most_data && in_length > effects.most_data + tag) {
    gcm_discard(direction, real, session, in, in_length);
    return CKR_DATA_LEN_RANGE;
  }
  return shim_leave(&effects, gcm_run(direction, real, session, in, in_length, out, length, &effects));
}

static CK_RV C_Encrypt_(S session, B in, L in_length, B out, LP length) {
  return run(F_C_Encrypt, ENCRYPTING, session, in, in_length, out, length);
}

static CK_RV C_Decrypt_(S session, B in, L in_length, B out, LP length) {
  return run(F_C_Decrypt, DECRYPTING, session, in, in_length, out, length);
}

static CK_RV C_GenerateRandom_(S session, B out, L length) {
  struct effects effects;
  if (!shim_enter(F_C_GenerateRandom, &effects)) return effects.rv;
  const CK_RV rv = real->C_GenerateRandom(session, out, length);
  if (rv == CKR_OK && effects.fill) memset(out, effects.fill_byte, length);
  return shim_leave(&effects, rv);
}

static CK_RV tell(CK_ATTRIBUTE *attribute, const struct lie *lie) {
  if (lie->unavailable) {
    attribute->ulValueLen = (CK_ULONG)-1;
    return CKR_ATTRIBUTE_TYPE_INVALID;
  }
  const bool fits = !attribute->pValue || (attribute->ulValueLen != (CK_ULONG)-1 && attribute->ulValueLen >= lie->length);
  if (attribute->pValue && fits) memcpy(attribute->pValue, lie->value, lie->length);
  attribute->ulValueLen = fits ? lie->length : (CK_ULONG)-1;
  return fits ? CKR_OK : CKR_BUFFER_TOO_SMALL;
}

static CK_RV C_GetAttributeValue_(S session, O object, A template, L count) {
  struct effects effects;
  if (!shim_enter(F_C_GetAttributeValue, &effects)) return effects.rv;
  CK_RV rv = real->C_GetAttributeValue(session, object, template, count);
  for (CK_ULONG i = 0; i < count; i++)
    for (unsigned j = 0; j < effects.lie_count; j++)
      if (template[i].type == effects.lies[j].type) {
        const CK_RV told = tell(&template[i], &effects.lies[j]);
        if (rv == CKR_OK) rv = told;
      }
  return shim_leave(&effects, rv);
}

/* The handle that is to come a second time, where the caller asks for one at a time. */
static struct {
  S session;
  O object;
} again[64];
static pthread_mutex_t again_lock = PTHREAD_MUTEX_INITIALIZER;

static O remember(S session, O object) {
  O before = 0;
  pthread_mutex_lock(&again_lock);
  for (unsigned i = 0; i < 64; i++)
    if (again[i].session == session) {
      before = again[i].object;
      again[i].session = 0;
    }
  for (unsigned i = 0; object && i < 64; i++)
    if (!again[i].session) {
      again[i].session = session;
      again[i].object = object;
      break;
    }
  pthread_mutex_unlock(&again_lock);
  return before;
}

static CK_RV C_FindObjects_(S session, O *objects, L room, LP count) {
  struct effects effects;
  if (!shim_enter(F_C_FindObjects, &effects)) return effects.rv;
  const O owed = effects.duplicate ? remember(session, 0) : 0;
  if (owed && room) {
    objects[0] = owed;
    *count = 1;
    return shim_leave(&effects, CKR_OK);
  }
  const CK_RV rv = real->C_FindObjects(session, objects, room, count);
  if (rv == CKR_OK && effects.empty) *count = 0;
  if (rv == CKR_OK && effects.duplicate && *count) {
    if (*count * 2 <= room) {
      for (CK_ULONG at = 0; at < *count; at++) objects[*count + at] = objects[at];
      *count *= 2;
    } else remember(session, objects[0]);
  }
  return shim_leave(&effects, rv);
}

static CK_RV C_FindObjectsFinal_(S session) {
  struct effects effects;
  if (!shim_enter(F_C_FindObjectsFinal, &effects)) return effects.rv;
  remember(session, 0);
  return shim_leave(&effects, real->C_FindObjectsFinal(session));
}

static CK_RV C_GetFunctionList_(CK_FUNCTION_LIST **list);

static CK_FUNCTION_LIST functions = {
  .version = {2, 40},
#define CK_PKCS11_FUNCTION_INFO(name) .name = name##_,
#include <pkcs11f.h>
#undef CK_PKCS11_FUNCTION_INFO
};

static CK_RV C_GetFunctionList_(CK_FUNCTION_LIST **list) {
  if (!list) return CKR_ARGUMENTS_BAD;
  pthread_once(&load_once, load);
  *list = &functions;
  return CKR_OK;
}

__attribute__((visibility("default"))) CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list) {
  return C_GetFunctionList_(list);
}
