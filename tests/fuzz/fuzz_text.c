/* Reads any text as the value of a training option, of OMP_NUM_THREADS or of MNIST_BLAS_PIN: it is
 * refused with one line and nothing changes, or its own form gives the same value. Byte 0 chooses
 * the reader. */
#include "fuzz/fuzz.h"

#include "machine/pins.h"
#include "machine/threads.h"

#include <mnist_blas/options.h>

static size_t option_count(void)
{
    size_t count = 0;
    while (mb_training_option_table[count].name != NULL)
        count++;
    return count;
}

static void read_option(const mb_option *option, const char *text)
{
    mb_training_options before = mb_training_defaults(MB_OPTIMIZER_ADAMW), read, again;
    char shown[MB_OPTION_TEXT_SIZE];
    mb_error error = {0};
    memset(&read, 0, sizeof read); /* padding, too */
    mb_option_copy(option, &before, &read);
    before = read;
    const mb_status status = mb_option_parse(option, &read, text, &error);
    require_reported(status, &error);
    if (status != MB_OK) {
        require(memcmp(&read, &before, sizeof read) == 0);
        return;
    }
    again = read;
    if (mb_option_check(option, &read, &error) != MB_OK)
        return;
    mb_option_format(option, &read, shown, sizeof shown);
    require(mb_option_parse(option, &again, shown, NULL) == MB_OK);
    require(memcmp(&read, &again, sizeof read) == 0);
}

static void read_pins(const char *text, unsigned how)
{
    static mb_topology topology;
    mb_pins pins = {0};
    mb_error error = {0};
    if (topology.pus == NULL)
        require(mb_topology_read("package:2 core:4 pu:2", &topology, NULL) == MB_OK);
    const mb_status status =
        mb_pins_choose((how & 1) != 0 ? text : NULL, (how & 2) != 0 ? text : NULL, (how & 4) != 0,
                       &topology, 1 + how / 8 % 20, &pins, &error);
    require_reported(status, &error);
    mb_pins_free(&pins);
}

static void read_threads(const char *text, unsigned how)
{
    size_t threads = 0;
    const char *from = NULL;
    mb_error error = {0};
    const mb_status status = mb_threads_choose(0, text, 4, 0.7 * (how & 7), (how & 8) != 0 ? 3 : 0,
                                               &threads, &from, &error);
    require_reported(status, &error);
    require(status != MB_OK || (threads >= 1 && threads <= MB_MAX_THREADS));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { OF_PINS = 64, OF_THREADS = 96 };
    if (size < 1)
        return 0;
    char *text = text_of(data + 1, size - 1);
    if (data[0] < OF_PINS)
        read_pins(text, data[0]);
    else if (data[0] < OF_THREADS)
        read_threads(text, data[0]);
    else
        read_option(&mb_training_option_table[(data[0] - OF_THREADS) % option_count()], text);
    free(text);
    return 0;
}
