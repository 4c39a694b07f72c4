/* What writing and reading a checkpoint have in common. */
#ifndef MB_TRAIN_CHECKPOINT_FORMAT_H
#define MB_TRAIN_CHECKPOINT_FORMAT_H

#include "core/arena.h"
#include "core/digest.h"
#include "core/file.h"

#include <stdbool.h>

#define MB_CHECKPOINT_VERSION "3"
#define MB_CHECKPOINT_OPTION "option."
#define MB_CHECKPOINT_NOTE "note."

/* The file's digest, with zeros in the place of the `value` of its checksum, MB_DIGEST_DIGITS
 * characters; *place is where that stands. false where it stands nowhere. */
bool mb_checkpoint_checksum(mb_bytes bytes, const char *value, mb_digest *digest, size_t *place);

/* "PREFIXNAME" in the arena; NULL when memory is out. */
const char *mb_checkpoint_key(mb_arena *arena, const char *prefix, const char *name);

/* Text of any bytes as ASCII, with %XX for what is not, and back; NULL when memory is out or, on
 * the way back, where the text is none of these. */
const char *mb_checkpoint_encode(mb_arena *arena, const char *text);
const char *mb_checkpoint_decode(mb_arena *arena, const char *text);

#endif
