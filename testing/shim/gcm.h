/* AES-GCM as HSMs do it: who makes the IV, and where it comes back. */
#ifndef HOLDFAST_SHIM_GCM_H
#define HOLDFAST_SHIM_GCM_H

#include "control.h"

enum direction { ENCRYPTING, DECRYPTING };

CK_RV gcm_init(enum direction direction, CK_FUNCTION_LIST *real, CK_SESSION_HANDLE session, CK_MECHANISM *mechanism,
               CK_OBJECT_HANDLE key, const struct effects *effects);
CK_RV gcm_run(enum direction direction, CK_FUNCTION_LIST *real, CK_SESSION_HANDLE session, CK_BYTE *in,
              CK_ULONG in_length, CK_BYTE *out, CK_ULONG *out_length, const struct effects *effects);
/* Ends the operation of which the caller is told that it failed. */
void gcm_discard(enum direction direction, CK_FUNCTION_LIST *real, CK_SESSION_HANDLE session, CK_BYTE *in,
                 CK_ULONG in_length);
/* Forgets what is held for one session, or for all (0). */
void gcm_forget(CK_SESSION_HANDLE session);

#endif
