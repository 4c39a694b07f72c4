/* Fuzz target: the IDX parser, on plain and on gzip bytes. Invalid input must give an
 * error with a message; accepted data must have the size in its header. */
#include "fuzz/fuzz.h"

#include "core/status.h"
#include "data/gunzip.h"
#include "data/idx.h"

static void parse_as(mb_idx_kind kind, const uint8_t *data, size_t size)
{
    mb_bytes file = copy_of(data, size);
    mb_idx idx = {0};
    mb_error error = {MB_OK, ""};
    const mb_status status = mb_idx_parse("fuzz", kind, &file, &idx, &error);
    require(file.data == NULL && file.size == 0);
    if (status == MB_OK) {
        const size_t header = 4 + 4 * (size_t)idx.bytes.data[3];
        const size_t values = idx.channels * idx.rows * idx.columns;
        require(idx.count > 0 && values > 0);
        require(idx.items == idx.bytes.data + header);
        require(idx.bytes.size == header + idx.count * values * idx.label_size);
        for (size_t i = 0; kind == MB_IDX_LABELS && i < idx.count; i++)
            require(idx.is_signed || mb_idx_label(&idx, i) >= 0);
        require(error.text[0] == '\0');
    } else {
        require(error.status == status && strncmp(error.text, "fuzz: ", 6) == 0);
        require(idx.bytes.data == NULL);
    }
    mb_idx_free(&idx);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    parse_as(MB_IDX_IMAGES, data, size);
    parse_as(MB_IDX_LABELS, data, size);
    return 0;
}
