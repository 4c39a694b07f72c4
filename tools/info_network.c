#include "info_network.h"

#include "cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void write_shape(mb_shape shape, char *text, size_t size)
{
    snprintf(text, size, "%zux%zux%zu", shape.channels, shape.rows, shape.columns);
}

static double forward_flops(const mb_network *network)
{
    double flops = 0.0;
    for (size_t i = 0; i < mb_network_layer_count(network); i++)
        flops += mb_network_layer_info(network, i).flops;
    return flops;
}

void mb_info_print_network(const mb_network *network, size_t batch_size, size_t threads)
{
    char in[64], out[64], name[64];
    printf("network    %s\n", mb_network_spec(network));
    printf("%5s  %-28s %14s %14s %12s %14s\n", "layer", "what", "in", "out", "parameters",
           "forward FLOP");
    for (size_t i = 0; i < mb_network_layer_count(network); i++) {
        const mb_layer_info layer = mb_network_layer_info(network, i);
        write_shape(layer.in, in, sizeof in);
        write_shape(layer.out, out, sizeof out);
        snprintf(name, sizeof name, "%s%s%s", layer.name, layer.argument != NULL ? ":" : "",
                 layer.argument != NULL ? layer.argument : "");
        printf("%5zu  %-28s %14s %14s %12zu %14.0f\n", i, name, in, out, layer.parameters,
               layer.flops);
    }
    printf("sum    %-58s %12zu %14.0f\n", "", mb_network_parameter_count(network),
           forward_flops(network));
    printf("training   %.0f FLOP per sample; %.1f MB for batches of %zu\n",
           mb_network_training_flops(network),
           1e-6 * mb_network_training_bytes(network, batch_size, threads), batch_size);
}

static json_t *layer_object(mb_layer_info layer)
{
    char in[64], out[64];
    write_shape(layer.in, in, sizeof in);
    write_shape(layer.out, out, sizeof out);
    return json_pack("{s:s, s:s?, s:s, s:s, s:I, s:f}", "kind", layer.name, "argument",
                     layer.argument, "in", in, "out", out, "parameters",
                     (json_int_t)layer.parameters, "forward_flops", layer.flops);
}

json_t *mb_info_network(const mb_network *network, size_t batch_size, size_t threads)
{
    json_t *layers = json_array();
    for (size_t i = 0; i < mb_network_layer_count(network); i++)
        json_array_append_new(layers, layer_object(mb_network_layer_info(network, i)));
    return json_pack("{s:s, s:I, s:f, s:f, s:I, s:f, s:o}", "spec", mb_network_spec(network),
                     "parameters", (json_int_t)mb_network_parameter_count(network), "forward_flops",
                     forward_flops(network), "training_flops", mb_network_training_flops(network),
                     "batch_size", (json_int_t)batch_size, "training_bytes",
                     mb_network_training_bytes(network, batch_size, threads), "layers", layers);
}

/* ---- a model file ---- */

/* The object in summary.json in the folder of the model, if it is of the same network; else NULL.
 */
static json_t *summary_beside(const char *path, const mb_network *network)
{
    const char *slash = strrchr(path, '/'), *spec = NULL;
    char *file = NULL;
    json_int_t parameters = 0;
    if (asprintf(&file, "%.*ssummary.json", slash != NULL ? (int)(slash - path + 1) : 0, path) < 0)
        return NULL;
    json_t *summary = json_load_file(file, 0, NULL);
    free(file);
    if (json_unpack(summary, "{s:s, s:I}", "network", &spec, "parameters", &parameters) == 0 &&
        strcmp(spec, mb_network_spec(network)) == 0 &&
        (size_t)parameters == mb_network_parameter_count(network))
        return summary;
    json_decref(summary);
    return NULL;
}

json_t *mb_info_model(const char *path, const mb_network *network)
{
    char input[64];
    json_t *name = json_string(path), *summary = summary_beside(path, network);
    write_shape(mb_network_input(network), input, sizeof input);
    const mb_image_form form = mb_network_form(network);
    return json_pack("{s:o?, s:s, s:I, s:s, s:s, s:o?}", "path", name, "input", input, "classes",
                     (json_int_t)mb_network_classes(network), "ground",
                     mb_ground_names.values[form.ground].name, "framing",
                     mb_framing_names.values[form.framing].name, "summary", summary);
}

/* How it was trained, as far as the summary says. */
static void print_training(const json_t *summary)
{
    const char *data = NULL, *optimizer = NULL, *schedule = NULL;
    double lr = 0.0, accuracy = 0.0;
    json_int_t epochs = 0, batch_size = 0, seed = 0;
    if (json_unpack((json_t *)(uintptr_t)summary, "{s:s, s:s, s:F, s:s, s:I, s:I, s:I, s:F}",
                    "data", &data, "optimizer", &optimizer, "lr", &lr, "schedule", &schedule,
                    "batch_size", &batch_size, "epochs", &epochs, "seed", &seed, "test_accuracy",
                    &accuracy) != 0) {
        puts("trained    unknown: no summary.json of a finished run beside it");
        return;
    }
    printf("trained    %s, %s, lr %g %s, batch size %lld, %lld epoch%s, seed %lld: test accuracy "
           "%.2f %%\n           (summary.json beside it)\n",
           data, optimizer, lr, schedule, (long long)batch_size, (long long)epochs,
           epochs == 1 ? "" : "s", (long long)seed, 100.0 * accuracy);
}

void mb_info_print_model(const char *path, const mb_network *network)
{
    json_t *summary = summary_beside(path, network);
    char input[64];
    write_shape(mb_network_input(network), input, sizeof input);
    const mb_image_form form = mb_network_form(network);
    printf("model      %s\nimages     %s, %zu classes, ground %s, framing %s\n", path, input,
           mb_network_classes(network), mb_ground_names.values[form.ground].name,
           mb_framing_names.values[form.framing].name);
    print_training(summary);
    json_decref(summary);
}
