/* NPY and NPZ files of the tests, in their own words. Results are on the heap. */
#ifndef MB_TESTS_NUMPY_FILES_H
#define MB_TESTS_NUMPY_FILES_H

#include "core/file.h"

/* An NPY file of version 1.0: this header, padded as NumPy does it, and these bytes. */
mb_bytes mb_test_npy_of(const char *header, const void *data, size_t size);

/* The same with the header that NumPy writes: type "|u1" and shape "(4, 5, 6)". */
mb_bytes mb_test_npy(const char *type, const char *shape, const void *data, size_t size);

/* A member of a zip archive. */
typedef struct mb_test_member {
    const char *name;
    mb_bytes content;   /* as it is stored */
    uint32_t size;      /* that is declared; 0: of the content */
    uint16_t flags;     /* 1: encrypted */
    uint16_t method;    /* 0: stored */
    uint32_t wrong_crc; /* is added to the checksum */
} mb_test_member;

/* A zip archive; frees the contents of the members. */
mb_bytes mb_test_zip(const mb_test_member *members, size_t count);

#endif
