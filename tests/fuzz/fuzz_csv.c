/* Reads any bytes as a table in CSV: it is refused with one line, or has the shape and the labels
 * that it promises.
 *
 * Byte 0: rows and columns that the user expects, of 4 bits each; the rest is the file. */
#include "fuzz/fuzz.h"

#include "data/csv.h"
#include "data/dataset.h"
#include "kernels/kernels.h"

static void check(const mb_csv *csv)
{
    const mb_images *images = &csv->images;
    unsigned long sum = 0;
    require(images->count > 0 && mb_images_stride(images) > 0);
    require(mb_images_stride(images) <= MB_IMAGE_MAX_PIXELS);
    require(images->channels == 1 || images->channels == 3);
    for (size_t i = 0; i < images->count * mb_images_stride(images); i++)
        sum += csv->pixels[i];
    require(mb_csv_has_labels(csv) == (csv->labels != NULL));
    require(csv->name_count <= MB_MAX_CLASSES);
    for (size_t i = 0; i < images->count && csv->name_count > 0; i++)
        require(csv->labels[i] >= 0 && (size_t)csv->labels[i] < csv->name_count);
    for (size_t i = 0; i < csv->name_count; i++)
        require(csv->names[i][0] != '\0');
    volatile unsigned long sink = sum;
    (void)sink;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const mb_shape expected = {1, data[0] & 15, data[0] >> 4};
    mb_bytes file = copy_of(data + 1, size - 1);
    mb_csv csv = {0};
    mb_csv_form form = {0};
    mb_error error = {MB_OK, ""};
    mb_status status = mb_csv_open("fuzz", &file, expected, &csv, &error);
    require(file.data == NULL && file.size == 0);
    if (status == MB_OK)
        status = mb_csv_read(&csv, &form, NULL, &error);
    require_reported(status, &error);
    require(status == MB_OK || strncmp(error.text, "fuzz: ", 6) == 0);
    if (status == MB_OK)
        check(&csv);
    mb_csv_free(&csv);
    return 0;
}
