/* Event files for TensorBoard: records (TFRecord) of messages that event.proto describes. */
#include "core/endian.h"
#include "core/features.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <mnist_blas/report.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct mb_tensorboard {
    char *path;
    int fd;
    off_t whole;    /* bytes of whole records */
    mb_error error; /* the first one; nothing is written after it */
};

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

#if MB_WITH_TENSORBOARD
#include "report/event.pb-c.h"

enum { SCALARS = 9 };

/* CRC-32C (Castagnoli, Braeuer and Herrmann, 1993), masked as TFRecord has it: the checksum of data
 * that contain their own checksum says little. */
static void put_checksum(uint8_t *bytes, const uint8_t *data, size_t size)
{
    static const uint32_t polynomial = 0x82f63b78; /* the lowest power first */
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ ((crc & 1) != 0 ? polynomial : 0);
    }
    const uint32_t masked = (~crc >> 15 | ~crc << 17) + 0xa282ead8;
    for (int i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(masked >> 8 * i);
}

/* The event as a record on the heap, NULL if memory runs out: 8 bytes of length, little-endian,
 * their checksum of 4 bytes, the data, and their checksum. */
static uint8_t *pack(Mb__Tensorboard__Event *event, size_t *size)
{
    event->wall_time = now();
    const size_t packed = mb__tensorboard__event__get_packed_size(event);
    *size = packed + 16;
    uint8_t *record = malloc(*size);
    if (record == NULL)
        return NULL;
    mb_store_le64(record, packed);
    put_checksum(record + 8, record, 8);
    mb__tensorboard__event__pack(event, record + 12);
    put_checksum(record + 12 + packed, record + 12, packed);
    return record;
}

/* The first record of a file. */
static uint8_t *make_first_record(size_t *size)
{
    static char version[] = "brain.Event:2"; /* protobuf-c only reads it */
    Mb__Tensorboard__Event event;
    mb__tensorboard__event__init(&event);
    event.what_case = MB__TENSORBOARD__EVENT__WHAT_FILE_VERSION;
    event.file_version = version;
    return pack(&event, size);
}

/* The record of a run that starts with this epoch. */
static uint8_t *make_start_record(size_t epoch, size_t *size)
{
    Mb__Tensorboard__SessionLog log;
    Mb__Tensorboard__Event event;
    mb__tensorboard__session_log__init(&log);
    mb__tensorboard__event__init(&event);
    log.status = MB__TENSORBOARD__SESSION_LOG__SESSION_STATUS__START;
    event.step = (int64_t)epoch;
    event.what_case = MB__TENSORBOARD__EVENT__WHAT_SESSION_LOG;
    event.session_log = &log;
    return pack(&event, size);
}

/* The record of an epoch. */
static uint8_t *make_epoch_record(const mb_epoch_metrics *metrics, size_t *size)
{
    /* protobuf-c's strings are not const, though it only reads them */
    static char loss[] = "loss/train", train[] = "accuracy/train", test[] = "accuracy/test",
                excess[] = "loss/train_excess", test_loss[] = "loss/test",
                validation_loss[] = "loss/validation", validation[] = "accuracy/validation",
                lr[] = "lr", speed[] = "samples_per_second";
    Mb__Tensorboard__Summary__Value values[SCALARS], *list[SCALARS];
    Mb__Tensorboard__Summary summary;
    Mb__Tensorboard__Event event;
    mb__tensorboard__event__init(&event);
    const struct {
        char *tag;
        double value; /* NaN: there is none */
    } scalars[SCALARS] = {
        {loss, metrics->train_loss},
        {train, metrics->train_accuracy},
        {test, metrics->test_accuracy},
        {validation, metrics->validation_accuracy},
        {excess,
         metrics->train_excess_loss != metrics->train_loss ? metrics->train_excess_loss : NAN},
        {test_loss, metrics->test_loss},
        {validation_loss, metrics->validation_loss},
        {lr, metrics->lr},
        {speed, metrics->samples_per_second},
    };
    mb__tensorboard__summary__init(&summary);
    summary.value = list;
    for (size_t i = 0; i < SCALARS; i++) {
        Mb__Tensorboard__Summary__Value *value = list[summary.n_value] = &values[i];
        mb__tensorboard__summary__value__init(value);
        value->tag = scalars[i].tag;
        value->value_case = MB__TENSORBOARD__SUMMARY__VALUE__VALUE_SIMPLE_VALUE;
        value->simple_value = (float)scalars[i].value;
        summary.n_value += !isnan(scalars[i].value);
    }
    event.step = (int64_t)metrics->epoch;
    event.what_case = MB__TENSORBOARD__EVENT__WHAT_SUMMARY;
    event.summary = &summary;
    return pack(&event, size);
}
#else
/* Never called: no file can be opened. */
static uint8_t *make_first_record(size_t *size)
{
    (void)size, (void)now;
    return NULL;
}

static uint8_t *make_start_record(size_t epoch, size_t *size)
{
    (void)epoch, (void)size;
    return NULL;
}

static uint8_t *make_epoch_record(const mb_epoch_metrics *metrics, size_t *size)
{
    (void)metrics, (void)size;
    return NULL;
}
#endif

/* Removes what a failed write has left of a record. */
static void fail(mb_tensorboard *board, int why)
{
    mb_fail(&board->error, MB_ERROR_IO, "%s: cannot be written: %s", board->path, strerror(why));
    if (ftruncate(board->fd, board->whole) != 0)
        return; /* readers stop before it */
}

/* Writes a record, which it frees; NULL: memory was out. */
static void add_record(mb_tensorboard *board, uint8_t *record, size_t size)
{
    size_t done = 0;
    if (record == NULL)
        mb_fail_memory(&board->error, board->path, size);
    while (done < size && board->error.status == MB_OK) {
        const ssize_t put = write(board->fd, record + done, size - done);
        if (put > 0)
            done += (size_t)put;
        else if (put == 0 || errno != EINTR)
            fail(board, put < 0 ? errno : ENOSPC);
    }
    board->whole += done == size ? (off_t)size : 0;
    free(record);
}

/* Opens a new file under a name that TensorBoard recognizes and no other run has. */
static void open_file(mb_tensorboard *board, const char *folder)
{
    enum { MAX_TRIES = 100 };
    char host[65] = "localhost";
    if (gethostname(host, sizeof host - 1) != 0 || strchr(host, '/') != NULL)
        strcpy(host, "localhost");
    errno = EEXIST;
    for (int i = 0; board->fd < 0 && errno == EEXIST && i < MAX_TRIES; i++) {
        free(board->path);
        if (asprintf(&board->path, "%s/events.out.tfevents.%.0f.%s.%d.%d", folder, floor(now()),
                     host, (int)getpid(), i) < 0) {
            board->path = NULL;
            mb_fail_memory(&board->error, folder, strlen(folder));
            return;
        }
        board->fd = open(board->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    }
    if (board->fd < 0)
        mb_fail(&board->error, MB_ERROR_IO, "%s: cannot be written: %s", board->path,
                strerror(errno));
}

mb_status mb_tensorboard_open(const char *folder, mb_tensorboard **board, mb_error *error)
{
    if (!mb_has_feature(MB_FEATURE_TENSORBOARD))
        return mb_fail_feature(error, folder, MB_FEATURE_TENSORBOARD);
    mb_tensorboard *opened = calloc(1, sizeof *opened);
    if (opened == NULL)
        return mb_fail_memory(error, folder, sizeof *opened);
    opened->fd = -1;
    open_file(opened, folder);
    if (opened->error.status == MB_OK) {
        size_t size = 0;
        uint8_t *record = make_first_record(&size);
        add_record(opened, record, size);
    }
    if (opened->error.status != MB_OK)
        return mb_tensorboard_close(opened, error);
    *board = opened;
    return MB_OK;
}

void mb_tensorboard_resume(mb_tensorboard *board, size_t epochs)
{
    size_t size = 0;
    if (board == NULL || board->error.status != MB_OK)
        return;
    uint8_t *record = make_start_record(epochs + 1, &size);
    add_record(board, record, size);
}

void mb_tensorboard_add(mb_tensorboard *board, const mb_epoch_metrics *metrics)
{
    size_t size = 0;
    if (board == NULL || board->error.status != MB_OK)
        return;
    uint8_t *record = make_epoch_record(metrics, &size);
    add_record(board, record, size);
}

mb_status mb_tensorboard_close(mb_tensorboard *board, mb_error *error)
{
    if (board == NULL)
        return MB_OK;
    if (board->fd >= 0 && board->error.status == MB_OK && fsync(board->fd) != 0 &&
        errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP)
        fail(board, errno);
    if (board->fd >= 0)
        close(board->fd);
    const mb_status status = board->error.status;
    if (status != MB_OK && error != NULL)
        *error = board->error;
    free(board->path);
    free(board);
    return status;
}
