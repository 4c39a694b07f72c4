#include "nn/kinds.h"

#include "nn/elementwise.h"

#include <stdio.h>
#include <string.h>

/* Element-wise layers have a table of their own in elementwise.c. */
static const mb_layer_ops *const kinds[] = {
    &mb_dense_ops,         &mb_conv2d_ops,      &mb_maxpool2d_ops, &mb_avgpool2d_ops,
    &mb_globalavgpool_ops, &mb_batchnorm2d_ops, &mb_dropout_ops,   &mb_flatten_ops};

enum { KINDS = sizeof kinds / sizeof *kinds };

/* NULL after the last. */
static const mb_layer_ops *kind_at(size_t index)
{
    if (index < KINDS)
        return kinds[index];
    const mb_layer_ops *kind = &mb_elementwise_kinds[index - KINDS];
    return kind->name != NULL ? kind : NULL;
}

const mb_layer_ops *mb_layer_find_kind(const char *name)
{
    const mb_layer_ops *kind;
    for (size_t i = 0; (kind = kind_at(i)) != NULL; i++)
        if (strcmp(kind->name, name) == 0)
            return kind;
    return NULL;
}

bool mb_network_layer_kind(size_t index, mb_layer_kind *kind)
{
    const mb_layer_ops *ops = kind_at(index);
    if (ops != NULL)
        *kind = (mb_layer_kind){ops->name, ops->syntax, ops->help};
    return ops != NULL;
}

void mb_layer_list_kinds(char *text, size_t size)
{
    const mb_layer_ops *kind;
    size_t used = 0;
    for (size_t i = 0; (kind = kind_at(i)) != NULL && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i > 0 ? ", " : "", kind->name);
}
