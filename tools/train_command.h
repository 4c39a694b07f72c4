/* A run as a command line. */
#ifndef MB_TOOLS_TRAIN_COMMAND_H
#define MB_TOOLS_TRAIN_COMMAND_H

#include "train_options.h"

/* The line that makes a run with these arguments on the data in `folder` (NULL: drawn digits)
 * again: each option that decides the result is written out, defaults too, so that it stays true
 * when they change. On the heap; NULL when memory is out. */
char *mb_train_command(const mb_train_arguments *arguments, const char *folder);

#endif
