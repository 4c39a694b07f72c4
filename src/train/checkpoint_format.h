/* Parts of the checkpoint format that are common to writing and reading. */
#ifndef MB_TRAIN_CHECKPOINT_FORMAT_H
#define MB_TRAIN_CHECKPOINT_FORMAT_H

#include "core/arena.h"
#include "core/digest.h"
#include "core/file.h"

#include <mnist_blas/machine.h>
#include <stdbool.h>

#define MB_CHECKPOINT_VERSION "3"
#define MB_CHECKPOINT_OPTION "option."
#define MB_CHECKPOINT_NOTE "note."

/* Computes the digest of the file's bytes with zeros in place of its checksum, which is `value`, of
 * MB_DIGEST_DIGITS characters; *place is its offset. False if the file does not contain it. */
bool mb_checkpoint_checksum(mb_bytes bytes, const char *value, mb_digest *digest, size_t *place);

/* "PREFIXNAME" in the arena; NULL if memory is out. */
const char *mb_checkpoint_key(mb_arena *arena, const char *prefix, const char *name);

/* Percent-encodes text of any bytes as ASCII, and decodes it; NULL if memory is out or if the text
 * to decode is not encoded. */
const char *mb_checkpoint_encode(mb_arena *arena, const char *text);
const char *mb_checkpoint_decode(mb_arena *arena, const char *text);

/* "0.3.21 SkylakeX": OpenBLAS's version and kernel set. */
enum { MB_CHECKPOINT_BLAS_SIZE = 128 };
void mb_checkpoint_blas(const mb_machine *machine, char text[MB_CHECKPOINT_BLAS_SIZE]);

#endif
