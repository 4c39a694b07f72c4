#include "core/file_format.h"

#include "core/util.h"

#include <ctype.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* Bytes at an offset of the file. The first entry that matches counts: a format that is a case of
 * another precedes it. */
static const struct signature {
    size_t at, size;
    const char *bytes, *name;
} signatures[] = {
#define BYTES(at, bytes) (at), sizeof(bytes) - 1, bytes
    {BYTES(0, "version https://git-lfs"), "a Git LFS pointer (\"git lfs pull\" fetches the file)"},
    {BYTES(0, "\x1f\x8b"), "a gzip file"},
    {BYTES(0, "BZh"), "a bzip2 file"},
    {BYTES(0, "\xfd"
              "7zXZ"),
     "an xz file"},
    {BYTES(0, "\x28\xb5\x2f\xfd"), "a Zstandard file"},
    {BYTES(0, "7z\xbc\xaf"), "a 7z archive"},
    {BYTES(0, "Rar!"), "a RAR archive"},
    {BYTES(257, "ustar"), "a tar archive"},
    {BYTES(0, "\x89PNG\r\n"), "a PNG picture"},
    {BYTES(0, "\xff\xd8\xff"), "a JPEG picture"},
    {BYTES(0, "GIF8"), "a GIF picture"},
    {BYTES(8, "WEBP"), "a WebP picture"},
    {BYTES(0, "II*\0"), "a TIFF picture"},
    {BYTES(0, "MM\0*"), "a TIFF picture"},
    {BYTES(4, "ftyphei"), "a HEIC picture"},
    {BYTES(4, "ftypmif1"), "a HEIF picture"},
    {BYTES(4, "ftypavif"), "an AVIF picture"},
    {BYTES(4, "ftyp"), "an MP4 video"},
    {BYTES(0, "\xff\x0a"), "a JPEG XL picture"},
    {BYTES(4, "JXL "), "a JPEG XL picture"},
    {BYTES(4, "jP  "), "a JPEG 2000 picture"},
    {BYTES(0, "8BPS"), "a Photoshop picture"},
    {BYTES(0, "%PDF"), "a PDF document"},
    {BYTES(0, "\x93NUMPY"), "a NumPy array (NPY)"},
    {BYTES(0, "\x89HDF"), "an HDF5 file"},
    {BYTES(0, "GGUF"), "a GGUF model"},
    {BYTES(0, "PAR1"), "a Parquet table"},
    {BYTES(0, "ARROW1"), "an Arrow table"},
    {BYTES(0, "SQLite format 3"), "an SQLite database"},
    {BYTES(4, "TFL3"), "a TensorFlow Lite model"},
    {BYTES(0, "\x7f"
              "ELF"),
     "a program"},
    {BYTES(8, "{\""), "a safetensors file"},
    {BYTES(0, "\0\0\x08\x01"), "an IDX file of labels"},
    {BYTES(0, "\0\0\x08\x03"), "an IDX file of images"},
#undef BYTES
};

size_t mb_file_start(const char *path, uint8_t start[MB_FILE_FORMAT_BYTES])
{
    const int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe would wait */
    const ssize_t size = file >= 0 ? read(file, start, MB_FILE_FORMAT_BYTES) : -1;
    if (file >= 0)
        close(file);
    return size > 0 ? (size_t)size : 0;
}

static bool starts_with(const mb_bytes *file, size_t at, const char *bytes, size_t size)
{
    return file->size >= size && at <= file->size - size &&
           memcmp(file->data + at, bytes, size) == 0;
}

/* By the name of the first member, which follows the 30 bytes of its header. */
static const char *zip_name(const mb_bytes *file)
{
    enum { MEMBER = 30 };
    const size_t size = mb_min_size(file->size, MB_FILE_FORMAT_BYTES);
    const char *member = (const char *)file->data + MEMBER;
    if (!starts_with(file, 0, "PK\3\4", 4))
        return NULL;
    if (size > MEMBER && memmem(member, size - MEMBER, "data.pkl", 8) != NULL)
        return "a PyTorch file (.pt; safetensors.torch.save_file writes what is read)";
    if (size > MEMBER && memmem(member, size - MEMBER, ".npy", 4) != NULL)
        return "a NumPy archive (NPZ)";
    return "a zip archive (unzip it)";
}

/* Formats whose first bytes are numbers. */
static const char *binary_name(const mb_bytes *file)
{
    const uint8_t *data = file->data;
    if (file->size < 4)
        return NULL;
    if (data[0] == 0x80 && data[1] >= 2 && data[1] <= 5)
        return "a Python pickle (an old PyTorch file? safetensors.torch.save_file writes what is "
               "read)";
    /* ModelProto: field 1, the version of the format, then another one of up to 7, as text. */
    if (data[0] == 0x08 && data[1] > 0 && data[1] < 32 && (data[2] & 0xc7) == 0x02 && data[2] != 2)
        return "an ONNX model";
    if (starts_with(file, 0, "BM", 2) && file->size > 14 && data[6] == 0 && data[7] == 0)
        return "a BMP picture";
    if (data[0] == 'P' && data[1] >= '1' && data[1] <= '7' && isspace(data[2]))
        return "a PNM picture";
    return NULL;
}

static bool contains(const char *text, size_t size, const char *word)
{
    const size_t length = strlen(word);
    for (size_t i = 0; i + length <= size; i++)
        if (strncasecmp(text + i, word, length) == 0)
            return true;
    return false;
}

static const char *text_name(const mb_bytes *file)
{
    size_t start = 0, commas = 0, line = 0;
    const size_t size = mb_min_size(file->size, MB_FILE_FORMAT_BYTES);
    for (size_t i = 0; i < size; i++)
        if (file->data[i] < ' ' && !isspace(file->data[i]))
            return NULL;
    while (start < size && isspace(file->data[start]))
        start++;
    if (start == size)
        return NULL;
    const char *text = (const char *)file->data + start;
    while (start + line < size && text[line] != '\n')
        commas += text[line++] == ',';
    if (text[0] == '<' && contains(text, size - start, "<svg"))
        return "an SVG drawing";
    if (text[0] == '<' &&
        (contains(text, size - start, "<html") || contains(text, size - start, "<!doctype html")))
        return "a web page (HTML: of an error?)";
    if (text[0] == '<')
        return "an XML file";
    if (text[0] == '{' || text[0] == '[')
        return "a JSON file";
    return commas > 0 ? "a CSV table" : "a text";
}

const char *mb_file_format(const mb_bytes *start)
{
    for (size_t i = 0; i < MB_COUNT_OF(signatures); i++) {
        const struct signature *one = &signatures[i];
        if (starts_with(start, one->at, one->bytes, one->size))
            return one->name;
    }
    const char *name = zip_name(start);
    name = name != NULL ? name : binary_name(start);
    return name != NULL ? name : text_name(start);
}
