/* libredmobile_delegate.so: an external delegate of TensorFlow Lite. Options: threads, isa, l2, plan; see README.md. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../plan/plan.h"
#include "build_graph.h"
#include "selftest.h"

#define RM_EXPORT __attribute__((visibility("default")))
#define RM_DEFAULT_L2 (512u << 10)

/* A partition that was planned when the delegate looked at the model, until the runtime asks for it. */
struct planned {
    struct planned *next;
    int first_node, node_count;
    struct rm_plan *plan;
    struct rm_ends ends;
};

struct redmobile_delegate {
    TfLiteDelegate base; /* first: the runtime hands this back */
    int threads;         /* 0: as many as the runtime recommends */
    uint32_t features;
    size_t l2_bytes;
    char *plan_file; /* NULL: none is written */
    struct planned *planned;
};

static struct redmobile_delegate *own(TfLiteDelegate *delegate) { return (struct redmobile_delegate *)delegate; }

static void free_planned(struct planned *p) {
    if (!p) return;
    rm_plan_free(p->plan);
    rm_ends_free(&p->ends);
    free(p);
}

/* ---- one partition, as the runtime sees it ---- */

static void *kernel_init(TfLiteContext *context, const char *buffer, size_t length) {
    (void)context;
    (void)length;
    const TfLiteDelegateParams *params = (const TfLiteDelegateParams *)buffer;
    for (struct planned **at = &own(params->delegate)->planned; *at; at = &(*at)->next) {
        struct planned *p = *at;
        if (p->node_count != params->nodes_to_replace->size || p->first_node != params->nodes_to_replace->data[0]) continue;
        *at = p->next;
        return p;
    }
    return NULL;
}

static void kernel_free(TfLiteContext *context, void *kernel) {
    (void)context;
    free_planned(kernel);
}

static TfLiteStatus kernel_prepare(TfLiteContext *context, TfLiteNode *node) {
    if (node->user_data) return kTfLiteOk;
    context->ReportError(context, "redmobile: a partition was asked for that was not planned");
    return kTfLiteError;
}

static TfLiteStatus kernel_invoke(TfLiteContext *context, TfLiteNode *node) {
    struct planned *p = node->user_data;
    int8_t *ends[64];
    if (p->ends.input_count + p->ends.output_count > 64) return kTfLiteError;
    for (int i = 0; i < p->ends.input_count; i++) ends[i] = context->tensors[p->ends.inputs[i]].data;
    int8_t **outputs = ends + p->ends.input_count;
    for (int i = 0; i < p->ends.output_count; i++) outputs[i] = context->tensors[p->ends.outputs[i]].data;
    rm_plan_run(p->plan, (const int8_t *const *)ends, outputs);
    return kTfLiteOk;
}

/* ---- which nodes ---- */

static int takes(TfLiteContext *context, int index) {
    TfLiteNode *node;
    TfLiteRegistration *registration;
    if (context->GetNodeAndRegistration(context, index, &node, &registration) != kTfLiteOk || node->delegate) return 0;
    return rm_takes_node(context, node, registration);
}

static int is_convolution(TfLiteContext *context, int index) {
    TfLiteNode *node;
    TfLiteRegistration *registration;
    context->GetNodeAndRegistration(context, index, &node, &registration);
    return registration->builtin_code == kConv2d || registration->builtin_code == kDepthwiseConv2d;
}

static void drop(TfLiteIntArray *nodes, int index) {
    int kept = 0;
    for (int i = 0; i < nodes->size; i++)
        if (nodes->data[i] != index) nodes->data[kept++] = nodes->data[i];
    nodes->size = kept;
}

/* Plans a partition. Returns -1 when done; -2: it is not worth it, or no memory; else a node to leave out. */
static int plan_partition(TfLiteContext *context, struct redmobile_delegate *d, const TfLiteDelegateParams *params) {
    int convolutions = 0;
    for (int i = 0; i < params->nodes_to_replace->size; i++) convolutions += is_convolution(context, params->nodes_to_replace->data[i]);
    if (!convolutions || params->input_tensors->size + params->output_tensors->size > 4096) return -2;
    struct planned *p = calloc(1, sizeof *p);
    struct rm_graph graph;
    if (!p) return -2;
    const int bad = rm_build_graph(context, params, &graph, &p->ends);
    if (bad != -1 || p->ends.input_count + p->ends.output_count > 64) {
        rm_graph_free(&graph);
        free_planned(p);
        return bad == -1 ? -2 : bad;
    }
    const int recommended = context->recommended_num_threads;
    struct rm_options options = {d->threads ? d->threads : recommended < 1 ? 1 : recommended, d->features, d->l2_bytes};
    if (options.threads > RM_MAX_THREADS) options.threads = RM_MAX_THREADS;
    const char *fault;
    p->plan = rm_plan_new(&graph, &options, &fault);
    if (!p->plan) {
        context->ReportError(context, "redmobile: a partition of %d operators is left to the runtime (%s)", params->nodes_to_replace->size, fault);
        free_planned(p);
        return -2;
    }
    p->first_node = params->nodes_to_replace->data[0];
    p->node_count = params->nodes_to_replace->size;
    p->next = d->planned;
    d->planned = p;
    return -1;
}

static void forget_plans(struct redmobile_delegate *d) {
    while (d->planned) {
        struct planned *next = d->planned->next;
        free_planned(d->planned);
        d->planned = next;
    }
}

/* Drops nodes until every partition that the rest falls into can be planned. */
static TfLiteStatus settle(TfLiteContext *context, struct redmobile_delegate *d, TfLiteIntArray *nodes) {
    for (int settled = 0; !settled && nodes->size;) {
        TfLiteDelegateParams *partitions;
        int count = 0;
        forget_plans(d);
        if (context->PreviewDelegatePartitioning(context, nodes, &partitions, &count) != kTfLiteOk) return kTfLiteError;
        settled = 1;
        for (int i = 0; i < count && settled; i++) {
            const int bad = plan_partition(context, d, &partitions[i]);
            settled = bad == -1;
            if (bad >= 0) drop(nodes, bad);
            else if (bad == -2)
                for (int j = 0; j < partitions[i].nodes_to_replace->size; j++) drop(nodes, partitions[i].nodes_to_replace->data[j]);
        }
    }
    return kTfLiteOk;
}

static void write_plans(TfLiteContext *context, const struct redmobile_delegate *d) {
    if (!d->plan_file) return;
    FILE *file = fopen(d->plan_file, "w");
    if (!file) {
        context->ReportError(context, "redmobile: %s cannot be written", d->plan_file);
        return;
    }
    fprintf(file, "[");
    for (const struct planned *p = d->planned; p; p = p->next) {
        const int length = rm_plan_describe(p->plan, NULL, 0);
        char *text = malloc((size_t)length + 1);
        if (!text) break;
        rm_plan_describe(p->plan, text, (size_t)length + 1);
        fprintf(file, "%s{\"nodes\": %d, \"plan\": %s}", p == d->planned ? "" : ", ", p->node_count, text);
        free(text);
    }
    fprintf(file, "]\n");
    fclose(file);
}

static TfLiteStatus claim(TfLiteContext *context, struct redmobile_delegate *d) {
    TfLiteIntArray *plan;
    if (context->GetExecutionPlan(context, &plan) != kTfLiteOk) return kTfLiteError;
    TfLiteIntArray *nodes = malloc(sizeof *nodes + plan->size * sizeof(int));
    if (!nodes) return kTfLiteError;
    const int total = plan->size;
    nodes->size = 0;
    for (int i = 0; i < total; i++) nodes->data[nodes->size++] = plan->data[i];
    for (int i = total - 1; i >= 0; i--)
        if (!takes(context, nodes->data[i])) drop(nodes, nodes->data[i]);
    TfLiteStatus status = settle(context, d, nodes);
    write_plans(context, d);
    if (status == kTfLiteOk && !nodes->size)
        fprintf(stderr, "redmobile: none of the %d operators of this model is one that the kernels run; the runtime goes on without them.\n", total);
    if (status == kTfLiteOk && nodes->size) {
        TfLiteRegistration registration = {.init = kernel_init, .free = kernel_free, .prepare = kernel_prepare, .invoke = kernel_invoke,
                                           .builtin_code = 51 /* DELEGATE */, .custom_name = "RedmobileDelegate", .version = 1};
        status = context->ReplaceNodeSubsetsWithDelegateKernels(context, registration, nodes, &d->base);
    }
    free(nodes);
    return status;
}

static TfLiteStatus prepare(TfLiteContext *context, TfLiteDelegate *delegate) {
    const char *fault = rm_selftest(context);
    if (fault) {
        fprintf(stderr, "redmobile: this runtime is none that the delegate knows (TFLite 2.12 to 2.21, LiteRT 1 and 2): found %s; "
                        "the runtime goes on without the delegate.\n", fault);
        return kTfLiteOk;
    }
    return claim(context, own(delegate));
}

/* ---- options ---- */

static void complain(void (*report)(const char *), const char *format, const char *a, const char *b) {
    char text[256];
    snprintf(text, sizeof text, format, a, b);
    if (report) report(text);
    else fprintf(stderr, "%s\n", text);
}

/* A whole number with K or M behind it; -1 if it is none. */
static long number_of(const char *text) {
    char *end;
    const long value = strtol(text, &end, 10);
    const long unit = *end == 'K' ? 1024 : *end == 'M' ? 1024 * 1024 : 1;
    end += unit > 1;
    return end == text || *end || value < 0 || value > 1 << 20 ? -1 : value * unit;
}

static int set_option(struct redmobile_delegate *d, const char *key, const char *value, void (*report)(const char *)) {
    const long number = number_of(value);
    if (!strcmp(key, "threads")) {
        d->threads = (int)number;
        if (number >= 1 && number <= RM_MAX_THREADS) return 1;
        complain(report, "redmobile: threads is a number from 1 to 8, found '%s'%s.", value, "");
    } else if (!strcmp(key, "isa")) {
        if (rm_features_named(value, &d->features)) return 1;
        complain(report, "redmobile: isa is auto, scalar, neon, dotprod, i8mm, vnni or avx2, and one this processor has (%s is its best), found '%s'.",
                 rm_features_name(rm_features_of_this_processor()), value);
    } else if (!strcmp(key, "l2")) {
        d->l2_bytes = (size_t)number;
        if (number >= 4096) return 1;
        complain(report, "redmobile: l2 is a size of at least 4K, such as 512K, found '%s'%s.", value, "");
    } else if (!strcmp(key, "plan")) {
        free(d->plan_file);
        d->plan_file = malloc(strlen(value) + 1);
        if (d->plan_file) return strcpy(d->plan_file, value), 1;
        complain(report, "redmobile: no memory%s%s.", "", "");
    } else {
        complain(report, "redmobile: no option is called '%s'; known are threads, isa, l2, plan%s.", key, "");
    }
    return 0;
}

RM_EXPORT void tflite_plugin_destroy_delegate(TfLiteDelegate *delegate) {
    if (!delegate) return;
    forget_plans(own(delegate));
    free(own(delegate)->plan_file);
    free(delegate);
}

RM_EXPORT TfLiteDelegate *tflite_plugin_create_delegate(char **keys, char **values, size_t count, void (*report_error)(const char *)) {
    struct redmobile_delegate *d = calloc(1, sizeof *d);
    if (!d) return NULL;
    d->base.data = d;
    d->base.Prepare = prepare;
    d->features = rm_features_of_this_processor();
    d->l2_bytes = RM_DEFAULT_L2;
    for (size_t i = 0; i < count; i++) {
        const int given = keys && values && keys[i] && values[i];
        if (!given) complain(report_error, "redmobile: option without a name or a value%s%s.", "", "");
        if (given && set_option(d, keys[i], values[i], report_error)) continue;
        tflite_plugin_destroy_delegate(&d->base);
        return NULL;
    }
    return &d->base;
}
