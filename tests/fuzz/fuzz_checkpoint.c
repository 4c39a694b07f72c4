/* Opens any bytes as a checkpoint, then as a list of changes to one of two valid checkpoints, with
 * the old and with a correct checksum: each is refused with one line, or the run resumes from it.
 * No input causes a large allocation.
 *
 * The first byte chooses the checkpoint; a change has four: kind, place (2), value. */
#include "fuzz/fuzz.h"

#include "unit/interrupted.h"
#include "unit/support.h"
#include "unit/test.h"
#include "unit/training.h"

#include <mnist_blas/options.h>
#include <sys/resource.h>

enum { LENGTH_BYTES = 8, CHANGE_BYTES = 4, BASES = 2, MAX_CHANGES = 64 };

/* A file on which changes work; `data` has capacity for one more byte per change. */
typedef struct draft {
    uint8_t *data;
    size_t size;
} draft;

static mb_machine *machine;
static mb_bytes bases[BASES];

/* A checkpoint of a run in the middle of an epoch. */
static mb_bytes make_base(const char *spec, const mb_training_options *options, size_t steps,
                          const char *const *names)
{
    char *folder = mb_test_make_folder(), *path = mb_path_join(folder, "checkpoint");
    mb_bytes bytes = {0};
    mb_test_run run;
    mb_test_run_open(spec, options, 1, &run);
    if (names != NULL)
        require(mb_network_set_class_names(run.network, names, NULL) == MB_OK);
    mb_test_run_on(&run, steps);
    mb_test_run_save(&run, path);
    mb_test_run_close(&run);
    require(mb_file_read(path, MB_SAFETENSORS_LIMIT, &bytes, NULL) == MB_OK);
    free(path);
    mb_test_remove_folder(folder);
    return bytes;
}

/* Allocations above half a gigabyte fail. A sanitizer needs more for itself; libFuzzer has its own
 * limit. */
static void limit_memory(void)
{
#if !defined(__SANITIZE_ADDRESS__) && !defined(MB_WITH_LIBFUZZER)
    const rlim_t limit = (rlim_t)512 << 20;
    require(setrlimit(RLIMIT_DATA, &(struct rlimit){limit, limit}) == 0);
#endif
}

static void begin(void)
{
    mb_training_options options = mb_test_options(MB_OPTIMIZER_ADAMW, 1);
    options.ema = 0.9;
    options.epochs = 3;
    options.validation = 5;
    options.patience = 2;
    require(mb_test_open_data(NULL) == MB_OK);
    machine = mb_test_machine(1);
    bases[0] = make_base("dense:6,relu,dropout:0.5,dense:4", &options, MB_TEST_STEPS + 3, NULL);
    options = mb_test_options(MB_OPTIMIZER_SGD, 2);
    options.augmentation.kind = MB_AUGMENT_ELASTIC;
    bases[1] = make_base("conv2d:3x3,batchnorm2d,relu,flatten,dense:4", &options, 4,
                         (const char *const[]){"cat", "dog", "\xc3\xa4", "a\"b"});
    limit_memory();
}

/* Resumes the run for an epoch. */
static void go_on(mb_checkpoint *checkpoint)
{
    const mb_dataset *data = mb_test_data();
    const mb_shape input = mb_images_shape(&data->train.images);
    const mb_training_options *options = &checkpoint->info.options;
    mb_network *network = NULL;
    mb_trainer *trainer = NULL;
    mb_error error = {0};
    mb_status status = mb_training_options_check(options, data, &error);
    if (status == MB_OK)
        status = mb_checkpoint_check_data(checkpoint, data, &error);
    if (status == MB_OK)
        status = mb_checkpoint_network(checkpoint, machine, input, data->classes, &network, &error);
    if (status == MB_OK)
        status = mb_trainer_open(machine, network, data, options, NULL, &trainer, &error);
    if (status == MB_OK)
        status = mb_trainer_restore(trainer, checkpoint, &error);
    if (status == MB_OK && trainer->epoch < options->epochs)
        status = mb_trainer_run_epoch(trainer, &error);
    require_reported(status, &error);
    mb_trainer_close(trainer);
    mb_network_close(network);
}

/* A copy in an allocation of exactly this size, so that reads past the end are detected. */
static void use(const uint8_t *data, size_t size)
{
    const mb_bytes bytes = copy_of(data, size);
    mb_checkpoint *checkpoint = NULL;
    mb_error error = {0};
    const mb_status status = mb_checkpoint_parse("fuzz", bytes, &checkpoint, &error);
    require_reported(status, &error);
    if (status == MB_OK) {
        (void)mb_checkpoint_note(checkpoint, "place");
        go_on(checkpoint);
        mb_checkpoint_close(checkpoint);
    } else {
        require(strncmp(error.text, "fuzz: ", 6) == 0);
    }
    free(bytes.data);
}

static size_t header_of(const draft *d)
{
    size_t length = 0;
    for (size_t i = 0; i < LENGTH_BYTES && i < d->size; i++)
        length |= (size_t)d->data[i] << 8 * i;
    const size_t rest = d->size > LENGTH_BYTES ? d->size - LENGTH_BYTES : 0;
    return length < rest ? length : rest;
}

static void put_header(draft *d, size_t length)
{
    for (size_t i = 0; i < LENGTH_BYTES; i++)
        d->data[i] = (uint8_t)(length >> 8 * i);
}

/* Inserts a byte into the header at `at`, or removes one, and adjusts its length. */
static void lengthen(draft *d, size_t at, uint8_t byte)
{
    put_header(d, header_of(d) + 1);
    memmove(d->data + at + 1, d->data + at, d->size - at);
    d->data[at] = byte;
    d->size++;
}

static void shrink(draft *d, size_t at)
{
    put_header(d, header_of(d) - 1);
    memmove(d->data + at, d->data + at + 1, d->size - at - 1);
    d->size--;
}

/* Changes the next digit of the header. */
static void change_digit(draft *d, size_t at, uint8_t value)
{
    const size_t end = LENGTH_BYTES + header_of(d);
    while (at < end && (d->data[at] < '0' || d->data[at] > '9'))
        at++;
    if (at < end)
        d->data[at] = (uint8_t)('0' + value % 10);
}

static void change(draft *d, const uint8_t *how)
{
    const size_t place = (size_t)how[1] | (size_t)how[2] << 8, header = header_of(d);
    const size_t in_header = LENGTH_BYTES + (header > 0 ? place % header : 0);
    if (d->size == 0 || header == 0)
        return;
    switch (how[0] % 8) {
    case 0:
        d->data[place % d->size] = how[3];
        break;
    case 1:
        d->data[place % d->size] ^= (uint8_t)(1u << how[3] % 8);
        break;
    case 2:
        d->size = place % d->size;
        break;
    case 3:
        d->data[in_header] = how[3];
        break;
    case 4:
        d->data[place % LENGTH_BYTES] = how[3];
        break;
    case 5:
        lengthen(d, in_header, how[3]);
        break;
    case 6:
        shrink(d, in_header);
        break;
    default:
        change_digit(d, in_header, how[3]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (machine == NULL)
        begin();
    use(data, size);
    if (size == 0)
        return 0;
    const mb_bytes *base = &bases[data[0] % BASES];
    draft d = {malloc(base->size + MAX_CHANGES), base->size};
    require(d.data != NULL);
    memcpy(d.data, base->data, base->size);
    for (size_t at = 1; at + CHANGE_BYTES <= size && at < (size_t)MAX_CHANGES * CHANGE_BYTES;
         at += CHANGE_BYTES)
        change(&d, data + at);
    use(d.data, d.size);
    if (mb_test_sign((mb_bytes){d.data, d.size}))
        use(d.data, d.size);
    free(d.data);
    return 0;
}
