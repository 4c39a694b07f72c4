#include "core/digest.h"
#include "data/dataset.h"
#include "test.h"

#include <string.h>

/* The examples of FIPS 180-4, also in pieces. */
TEST(known_digests)
{
    static const char two_blocks[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    const mb_span pieces[] = {{"a", 1}, {"", 0}, {"bc", 2}};
    const mb_span whole = {two_blocks, sizeof two_blocks - 1};
    assert_string_equal(mb_sha256(NULL, 0).text,
                        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_string_equal(mb_sha256(pieces, 3).text,
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_string_equal(mb_sha256(&whole, 1).text,
                        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

/* `python3 -c` with hashlib and struct.pack("<QQQ", 2, 1, 3) + images + labels. */
TEST(a_fingerprint_is_of_sizes_images_and_labels)
{
    static const uint8_t images[] = {1, 2, 3, 4, 5, 6}, labels[] = {0, 1};
    const mb_split split = {{images, 2, 1, 1, 3}, labels},
                   transposed = {{images, 2, 1, 3, 1}, labels};
    assert_string_equal(mb_split_fingerprint(&split).text,
                        "df581af794bf97cf16811649fe90169ee12f2fcc16eea1070b9f5581211949e5");
    assert_true(strcmp(mb_split_fingerprint(&transposed).text, mb_split_fingerprint(&split).text) !=
                0);
}
