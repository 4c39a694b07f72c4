/* Runs a fuzz target without libFuzzer: `FUZZ_X [--mutate N] FILE...` runs it on each file's bytes
 * and on N variants of each. Variant K depends on the file and K only, so failures are
 * reproducible; "FILE, variant K" is on stderr with --verbose. Exit 0: none crashed. */
#include "core/file.h"
#include "core/rng.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST_CHANGES = 8 };
static const size_t most_bytes = (size_t)64 << 20;

/* Headers: half of all changes are in the first 32 bytes. */
static size_t place(mb_rng *rng, size_t size)
{
    const bool early = mb_rng_below(rng, 2) == 0 && size > 32;
    return mb_rng_below(rng, early ? 32 : (uint32_t)size);
}

/* Changes `variant` (not empty) in one place. */
static void change(mb_bytes *variant, mb_rng *rng)
{
    static const uint8_t edges[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    uint8_t *byte = variant->data + place(rng, variant->size);
    switch (mb_rng_below(rng, 8)) {
    case 0: /* cut the end off */
        variant->size = (size_t)(byte - variant->data) + 1;
        break;
    case 1: /* cut a byte out */
        memmove(byte, byte + 1, variant->size - (size_t)(byte - variant->data) - 1);
        variant->size -= variant->size > 1;
        break;
    case 2:
        *byte = edges[mb_rng_below(rng, sizeof edges)];
        break;
    case 3:
        *byte = (uint8_t)mb_rng_below(rng, 256);
        break;
    default:
        *byte ^= (uint8_t)(1u << mb_rng_below(rng, 8));
    }
}

static bool run_variants(const char *path, const mb_bytes *bytes, size_t count, bool verbose)
{
    uint8_t *copy = malloc(bytes->size + 1);
    if (copy == NULL)
        return false;
    for (size_t number = 0; number < count && bytes->size > 0; number++) {
        mb_rng rng = mb_rng_at(0, MB_RNG_TESTS, 0, number);
        mb_bytes variant = {copy, bytes->size};
        memcpy(copy, bytes->data, bytes->size);
        for (uint32_t left = 1 + mb_rng_below(&rng, MOST_CHANGES); left > 0; left--)
            change(&variant, &rng);
        if (verbose)
            fprintf(stderr, "%s, variant %zu\n", path, number);
        LLVMFuzzerTestOneInput(variant.data, variant.size);
    }
    free(copy);
    return true;
}

static bool run_file(const char *path, size_t variants, bool verbose)
{
    mb_bytes bytes = {0};
    mb_error error;
    if (mb_file_read(path, most_bytes, &bytes, &error) != MB_OK) {
        fprintf(stderr, "%s\n", error.text);
        return false;
    }
    LLVMFuzzerTestOneInput(bytes.data, bytes.size);
    const bool ran = run_variants(path, &bytes, variants, verbose);
    free(bytes.data);
    return ran;
}

int main(int count, char **arguments)
{
    size_t variants = 0, files = 0;
    bool verbose = false;
    for (int i = 1; i < count; i++) {
        char *end = NULL;
        if (strcmp(arguments[i], "--verbose") == 0) {
            verbose = true;
        } else if (strcmp(arguments[i], "--mutate") == 0 && i + 1 < count) {
            variants = strtoul(arguments[++i], &end, 10);
            if (*end != '\0' || end == arguments[i]) {
                fprintf(stderr, "--mutate %s: not a number\n", arguments[i]);
                return 2;
            }
        } else {
            if (!run_file(arguments[i], variants, verbose))
                return 1;
            files++;
        }
    }
    if (files == 0)
        fprintf(stderr, "usage: %s [--verbose] [--mutate N] FILE...\n", arguments[0]);
    return files == 0 ? 2 : 0;
}
