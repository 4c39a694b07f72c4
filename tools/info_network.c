#include "info_network.h"

#include <mnist_blas/network.h>
#include <stdio.h>

static const mb_shape input = {1, 28, 28}; /* of MNIST */
enum { CLASSES = 10 };

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

static void print_table(const mb_network *network, size_t batch_size, size_t threads)
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
    printf("training   %.0f FLOP a sample; %.1f MB for batches of %zu\n",
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

static json_t *network_object(const mb_network *network, size_t batch_size, size_t threads)
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

mb_status mb_info_network(const mb_machine *machine, const char *spec, size_t batch_size,
                          json_t *object, mb_error *error)
{
    const size_t threads = mb_machine_describe(machine)->threads;
    mb_network *network = NULL;
    mb_status status = mb_network_open(machine, spec, input, CLASSES, &network, error);
    if (status == MB_OK && object == NULL)
        print_table(network, batch_size, threads);
    else if (status == MB_OK &&
             json_object_set_new(object, "network", network_object(network, batch_size, threads)) !=
                 0)
        status = mb_fail_memory(error, "info", batch_size);
    mb_network_close(network);
    return status;
}
