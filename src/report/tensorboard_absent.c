/* A build without protobuf-c. */
#include "report/tensorboard.h"

bool mb_tensorboard_built(void) { return false; }

mb_status mb_tensorboard_open(const char *folder, mb_tensorboard **board, mb_error *error)
{
    (void)board;
    return mb_fail(error, MB_ERROR_UNAVAILABLE, "%s: no TensorBoard: this build has no protobuf-c",
                   folder);
}

void mb_tensorboard_add(mb_tensorboard *board, const mb_epoch_metrics *metrics)
{
    (void)board, (void)metrics;
}

mb_status mb_tensorboard_close(mb_tensorboard *board, mb_error *error)
{
    (void)board, (void)error;
    return MB_OK;
}
