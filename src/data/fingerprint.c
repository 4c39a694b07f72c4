#include "data/fingerprint.h"

mb_digest mb_split_fingerprint(const mb_split *split, size_t rows, size_t columns)
{
    const size_t sizes[] = {split->count, rows, columns};
    uint8_t head[sizeof sizes / sizeof *sizes * 8];
    for (size_t i = 0; i < sizeof head; i++)
        head[i] = (uint8_t)((uint64_t)sizes[i / 8] >> 8 * (i % 8));
    const mb_span spans[] = {{head, sizeof head},
                             {split->images, split->count * rows * columns},
                             {split->labels, split->count}};
    return mb_sha256(spans, sizeof spans / sizeof *spans);
}
