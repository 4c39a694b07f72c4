#include "sources/zip.h"

#include "core/features.h"
#include "core/util.h"

#if MB_WITH_NPZ

#include <stdlib.h>
#include <unistd.h>
#include <zip.h>

struct mb_zip {
    zip_t *archive;
};

/* libzip's reason, in its words. */
static mb_status fail(const char *name, zip_error_t *why, mb_error *error)
{
    const int code = zip_error_code_zip(why);
    const bool is_file = zip_error_system_type(why) == ZIP_ET_SYS && code != ZIP_ER_MEMORY;
    return mb_fail(error,
                   code == ZIP_ER_MEMORY ? MB_ERROR_MEMORY
                   : is_file             ? MB_ERROR_IO
                                         : MB_ERROR_FORMAT,
                   "%s: not a whole zip archive, or a damaged one: %s", name,
                   zip_error_strerror(why));
}

static mb_status fail_code(const char *name, int code, mb_error *error)
{
    zip_error_t why;
    zip_error_init_with_code(&why, code);
    const mb_status status = fail(name, &why, error);
    zip_error_fini(&why);
    return status;
}

mb_status mb_zip_open(const char *path, mb_zip **zip, mb_error *error)
{
    int file = -1, code = 0;
    uint64_t size;
    mb_zip *made = malloc(sizeof *made);
    if (made == NULL)
        return mb_fail_memory(error, path, sizeof *made);
    mb_status status = mb_regular_file_open(path, &file, &size, error);
    if (status == MB_OK) {
        made->archive = zip_fdopen(file, 0, &code);
        if (made->archive == NULL) {
            close(file);
            status = fail_code(path, code, error);
        }
    }
    if (status == MB_OK)
        *zip = made;
    else
        free(made);
    return status;
}

size_t mb_zip_count(const mb_zip *zip)
{
    const zip_int64_t count = zip_get_num_entries(zip->archive, 0);
    return count > 0 ? (size_t)count : 0;
}

const char *mb_zip_name(const mb_zip *zip, size_t member)
{
    const char *name = zip_get_name(zip->archive, member, 0);
    return name != NULL ? name : "";
}

/* The checksum is compared when nothing is left to read. */
static mb_status read_member(const mb_byte_stream *stream, void *bytes, size_t size, size_t *got,
                             mb_error *error)
{
    *got = 0;
    while (*got < size) {
        const zip_int64_t now =
            zip_fread(stream->context, (char *)bytes + *got, (zip_uint64_t)(size - *got));
        if (now < 0)
            return fail(stream->name, zip_file_get_error(stream->context), error);
        if (now == 0)
            break;
        *got += (size_t)now;
    }
    return MB_OK;
}

static void close_member(void *context) { zip_fclose(context); }

mb_status mb_zip_read(mb_zip *zip, size_t member, const char *name, mb_byte_stream *stream,
                      mb_error *error)
{
    zip_stat_t info;
    if (zip_stat_index(zip->archive, member, 0, &info) != 0)
        return fail(name, zip_get_error(zip->archive), error);
    if ((info.valid & ZIP_STAT_SIZE) == 0)
        return mb_fail(error, MB_ERROR_FORMAT, "%s: the zip archive does not say its size", name);
    if ((info.valid & ZIP_STAT_ENCRYPTION_METHOD) != 0 && info.encryption_method != ZIP_EM_NONE)
        return mb_fail(error, MB_ERROR_FORMAT, "%s: is encrypted: pack it without a password",
                       name);
    if ((info.valid & ZIP_STAT_COMP_METHOD) != 0 && info.comp_method != ZIP_CM_STORE &&
        info.comp_method != ZIP_CM_DEFLATE)
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: packed by method %u: only 0 (stored) and 8 (deflate) are read, as "
                       "numpy.savez and numpy.savez_compressed write",
                       name, (unsigned)info.comp_method);
    zip_file_t *file = zip_fopen_index(zip->archive, member, 0);
    if (file == NULL)
        return fail(name, zip_get_error(zip->archive), error);
    *stream = (mb_byte_stream){name, info.size, file, read_member, close_member};
    return MB_OK;
}

void mb_zip_close(mb_zip *zip)
{
    if (zip == NULL)
        return;
    zip_discard(zip->archive);
    free(zip);
}

#else

mb_status mb_zip_open(const char *path, mb_zip **zip, mb_error *error)
{
    (void)zip;
    return mb_fail_feature(error, path, MB_FEATURE_NPZ);
}

/* No archive is open. */
size_t mb_zip_count(const mb_zip *zip)
{
    (void)zip;
    return 0;
}

const char *mb_zip_name(const mb_zip *zip, size_t member)
{
    (void)zip;
    (void)member;
    return "";
}

mb_status mb_zip_read(mb_zip *zip, size_t member, const char *name, mb_byte_stream *stream,
                      mb_error *error)
{
    (void)zip;
    (void)member;
    (void)stream;
    return mb_fail_feature(error, name, MB_FEATURE_NPZ);
}

void mb_zip_close(mb_zip *zip) { (void)zip; }

#endif
