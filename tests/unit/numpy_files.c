#include "numpy_files.h"

#include "core/endian.h"
#include "support.h"
#include "test.h"

#include <libdeflate.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

mb_bytes mb_test_npy_of(const char *header, const void *data, size_t size)
{
    enum { PREFIX = 10, UNIT = 64 };
    const size_t start = (PREFIX + strlen(header) + 1 + UNIT - 1) / UNIT * UNIT;
    const mb_bytes file = {malloc(start + size), start + size};
    assert_non_null(file.data);
    memset(file.data, ' ', start);
    memcpy(file.data, "\x93NUMPY\1\0", 8);
    file.data[8] = (uint8_t)(start - PREFIX);
    file.data[9] = (uint8_t)((start - PREFIX) >> 8);
    memcpy(file.data + PREFIX, header, strlen(header));
    file.data[start - 1] = '\n';
    if (size > 0)
        memcpy(file.data + start, data, size);
    return file;
}

mb_bytes mb_test_npy(const char *type, const char *shape, const void *data, size_t size)
{
    char header[200];
    snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': False, 'shape': %s, }", type,
             shape);
    return mb_test_npy_of(header, data, size);
}

/* The 26 bytes that the header of a member and its entry in the directory share. */
static void write_facts(FILE *file, const mb_test_member *member)
{
    uint8_t facts[26] = {20};
    const mb_bytes *content = &member->content;
    facts[2] = (uint8_t)member->flags;
    facts[4] = (uint8_t)member->method;
    mb_store_le32(facts + 10,
                  libdeflate_crc32(0, content->data, content->size) + member->wrong_crc);
    mb_store_le32(facts + 14, (uint32_t)content->size);
    mb_store_le32(facts + 18, member->size > 0 ? member->size : (uint32_t)content->size);
    facts[22] = (uint8_t)strlen(member->name);
    assert_int_equal(fwrite(facts, 1, sizeof facts, file), sizeof facts);
}

mb_bytes mb_test_zip(const mb_test_member *members, size_t count)
{
    uint32_t places[16];
    uint8_t end[22] = "PK\5\6", tail[14];
    char *data = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&data, &size);
    assert_non_null(file);
    assert_in_range(count, 0, 16);
    for (size_t i = 0; i < count; i++) {
        places[i] = (uint32_t)ftell(file);
        fputs("PK\3\4", file);
        write_facts(file, &members[i]);
        fputs(members[i].name, file);
        fwrite(members[i].content.data, 1, members[i].content.size, file);
    }
    const uint32_t directory = (uint32_t)ftell(file);
    for (size_t i = 0; i < count; i++) {
        fwrite("PK\1\2\24\0", 1, 6, file);
        write_facts(file, &members[i]);
        memset(tail, 0, sizeof tail);
        mb_store_le32(tail + 10, places[i]);
        fwrite(tail, 1, sizeof tail, file);
        fputs(members[i].name, file);
        free(members[i].content.data);
    }
    end[8] = end[10] = (uint8_t)count;
    mb_store_le32(end + 12, (uint32_t)ftell(file) - directory);
    mb_store_le32(end + 16, directory);
    fwrite(end, 1, sizeof end, file);
    assert_int_equal(fclose(file), 0);
    return (mb_bytes){(uint8_t *)data, size};
}
