#include "report/tensorboard.h"

#include "core/file.h"
#include "report/event.pb-c.h"
#include "report/tfrecord.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MOST_VALUES = 6, TRIES = 100 };

struct mb_tensorboard {
    char *path;
    int fd;
    off_t whole; /* bytes of whole records */
    mb_status status;
    mb_error error;
};

bool mb_tensorboard_built(void) { return true; }

/* Cuts off what a failed write has left of a record. */
static void fail(mb_tensorboard *board, int why)
{
    board->status = mb_fail(&board->error, MB_ERROR_IO, "%s: cannot be written: %s", board->path,
                            strerror(why));
    if (ftruncate(board->fd, board->whole) != 0)
        return; /* readers stop before it */
}

static void write_bytes(mb_tensorboard *board, const uint8_t *bytes, size_t size)
{
    size_t done = 0;
    while (done < size) {
        const ssize_t put = write(board->fd, bytes + done, size - done);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0) {
            fail(board, put < 0 ? errno : ENOSPC);
            return;
        }
        done += (size_t)put;
    }
    board->whole += (off_t)size;
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void add_event(mb_tensorboard *board, Mb__Tensorboard__Event *event)
{
    event->wall_time = now();
    const size_t size = mb__tensorboard__event__get_packed_size(event);
    uint8_t *record = malloc(size + MB_TFRECORD_FRAME);
    if (record == NULL) {
        board->status = mb_fail_memory(&board->error, board->path, size + MB_TFRECORD_FRAME);
        return;
    }
    mb__tensorboard__event__pack(event, record + MB_TFRECORD_HEAD);
    mb_tfrecord_frame(record, size);
    write_bytes(board, record, size + MB_TFRECORD_FRAME);
    free(record);
}

/* A name that TensorBoard takes for an event file's, and no other run has. */
static char *name_file(const char *folder, int attempt)
{
    char host[65] = "localhost", *path = NULL;
    if (gethostname(host, sizeof host - 1) != 0 || strchr(host, '/') != NULL)
        strcpy(host, "localhost");
    if (asprintf(&path, "%s/events.out.tfevents.%.0f.%s.%d.%d", folder, floor(now()), host,
                 (int)getpid(), attempt) < 0)
        return NULL;
    return path;
}

mb_status mb_tensorboard_open(const char *folder, mb_tensorboard **board, mb_error *error)
{
    static char version[] = "brain.Event:2";
    mb_tensorboard *opened = calloc(1, sizeof *opened);
    if (opened == NULL)
        return mb_fail_memory(error, folder, sizeof *opened);
    opened->fd = -1;
    for (int i = 0; opened->fd < 0 && i < TRIES; i++) {
        free(opened->path);
        opened->path = name_file(folder, i);
        if (opened->path == NULL)
            break;
        opened->fd = open(opened->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (opened->fd < 0 && errno != EEXIST)
            break;
    }
    if (opened->path == NULL)
        opened->status = mb_fail_memory(&opened->error, folder, strlen(folder));
    else if (opened->fd < 0)
        opened->status = mb_fail(&opened->error, MB_ERROR_IO, "%s: cannot be written: %s",
                                 opened->path, strerror(errno));
    Mb__Tensorboard__Event event;
    mb__tensorboard__event__init(&event);
    event.what_case = MB__TENSORBOARD__EVENT__WHAT_FILE_VERSION;
    event.file_version = version;
    if (opened->status == MB_OK)
        add_event(opened, &event);
    if (opened->status != MB_OK)
        return mb_tensorboard_close(opened, error);
    *board = opened;
    return MB_OK;
}

/* One number under its tag; NaN is left out: there is none. */
static void add_value(Mb__Tensorboard__Summary *summary, char *tag, double number)
{
    Mb__Tensorboard__Summary__Value *value = summary->value[summary->n_value];
    if (isnan(number))
        return;
    mb__tensorboard__summary__value__init(value);
    value->tag = tag;
    value->value_case = MB__TENSORBOARD__SUMMARY__VALUE__VALUE_SIMPLE_VALUE;
    value->simple_value = (float)number;
    summary->n_value++;
}

void mb_tensorboard_add(mb_tensorboard *board, const mb_epoch_metrics *metrics)
{
    static char loss[] = "loss/train", train[] = "accuracy/train", test[] = "accuracy/test",
                validation[] = "accuracy/validation", lr[] = "lr", speed[] = "samples_per_second";
    Mb__Tensorboard__Summary__Value values[MOST_VALUES], *list[MOST_VALUES];
    Mb__Tensorboard__Summary summary;
    Mb__Tensorboard__Event event;
    if (board == NULL || board->status != MB_OK)
        return;
    for (size_t i = 0; i < MOST_VALUES; i++)
        list[i] = &values[i];
    mb__tensorboard__summary__init(&summary);
    summary.value = list;
    add_value(&summary, loss, metrics->train_loss);
    add_value(&summary, train, metrics->train_accuracy);
    add_value(&summary, test, metrics->test_accuracy);
    add_value(&summary, validation, metrics->validation_accuracy);
    add_value(&summary, lr, metrics->lr);
    add_value(&summary, speed, metrics->samples_per_second);
    mb__tensorboard__event__init(&event);
    event.step = (int64_t)metrics->epoch;
    event.what_case = MB__TENSORBOARD__EVENT__WHAT_SUMMARY;
    event.summary = &summary;
    add_event(board, &event);
}

mb_status mb_tensorboard_close(mb_tensorboard *board, mb_error *error)
{
    if (board == NULL)
        return MB_OK;
    if (board->fd >= 0 && board->status == MB_OK && fsync(board->fd) != 0 && errno != EINVAL)
        fail(board, errno);
    if (board->fd >= 0)
        close(board->fd);
    const mb_status status = board->status;
    if (status != MB_OK && error != NULL)
        *error = board->error;
    free(board->path);
    free(board);
    return status;
}
