/* A run as a command line. */
#ifndef MB_TOOLS_TRAIN_COMMAND_H
#define MB_TOOLS_TRAIN_COMMAND_H

#include "train_options.h"

/* Prints a word for a shell: in single quotes unless it needs none. */
void mb_put_word(FILE *out, const char *word);

/* The command that repeats a run on the data in `folder` (NULL: synthetic digits). It has every
 * option that decides the result, also those at their defaults, so that it stays valid when
 * defaults change. A run whose epochs were extended can be repeated from its checkpoint only. On
 * the heap; NULL if memory is out. */
char *mb_train_command(const mb_train_arguments *arguments, const char *folder);

/* The command that resumes from this checkpoint, and goes on with the event files in `tensorboard`
 * (NULL: none). On the heap; NULL if memory is out. */
char *mb_resume_command(const char *checkpoint, const char *tensorboard);

#endif
