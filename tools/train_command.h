/* A run as a command line. */
#ifndef MB_TOOLS_TRAIN_COMMAND_H
#define MB_TOOLS_TRAIN_COMMAND_H

#include "train_options.h"

#include <stdio.h>

/* The line that makes a run with these arguments on the data in `folder` (NULL: synthetic digits)
 * again: each option that decides the result is written out, defaults too, so that it stays true
 * when they change. One that was given more epochs than its schedule began with is made again from
 * the checkpoint only. On the heap; NULL when memory is out. */
char *mb_train_command(const mb_train_arguments *arguments, const char *folder);

/* Prints the line that goes on from this checkpoint. */
void mb_print_resume_command(FILE *out, const char *checkpoint);

#endif
