#include "data/fingerprint.h"

mb_digest mb_split_fingerprint(const mb_split *split)
{
    const mb_images *images = &split->images;
    const size_t sizes[] = {images->count, images->rows, images->columns};
    uint8_t head[sizeof sizes / sizeof *sizes * 8];
    for (size_t i = 0; i < sizeof head; i++)
        head[i] = (uint8_t)((uint64_t)sizes[i / 8] >> 8 * (i % 8));
    const mb_span spans[] = {{head, sizeof head},
                             {images->pixels, images->count * mb_images_stride(images)},
                             {split->labels, images->count}};
    return mb_sha256(spans, sizeof spans / sizeof *spans);
}
