#include "selftest.h"

#include <string.h>
#include <unistd.h>

/* The system copies the bytes into a pipe and says so if they are no memory of ours: a pointer that is none costs an error, not the process. */
static int is_memory(const int pipe_ends[2], const void *at, size_t bytes) {
    char taken[512];
    if (!at || (uintptr_t)at % 4) return 0;
    for (size_t done = 0; done < bytes;) {
        const size_t part = bytes - done < sizeof taken ? bytes - done : sizeof taken;
        if (write(pipe_ends[1], (const char *)at + done, part) != (ssize_t)part) return 0;
        if (read(pipe_ends[0], taken, part) != (ssize_t)part) return 0;
        done += part;
    }
    return 1;
}

static int is_int_array(const int ends[2], const TfLiteIntArray *array, int most, int least_value, int most_value) {
    if (!is_memory(ends, array, sizeof *array) || array->size < 0 || array->size > most) return 0;
    if (!is_memory(ends, array, sizeof *array + array->size * sizeof(int))) return 0;
    for (int i = 0; i < array->size; i++)
        if (array->data[i] < least_value || array->data[i] > most_value) return 0;
    return 1;
}

/* Bytes of one element of a numeric type, by the number of the type; 0: this test does not know. */
static const unsigned char element_bytes[] = {0, 4, 4, 1, 8, 0, 1, 2, 8, 1, 2, 8, 16, 8};

static int is_tensor(const int ends[2], const TfLiteTensor *tensor) {
    if (tensor->type < 0 || tensor->type > 64 || tensor->allocation_type < 0 || tensor->allocation_type > 16) return 0;
    if (tensor->name && !is_memory(ends, (const void *)((uintptr_t)tensor->name & ~(uintptr_t)3), 4)) return 0;
    if (!tensor->dims) return 1;
    if (!is_int_array(ends, tensor->dims, 16, -1, 1 << 30)) return 0;
    if (tensor->quantization.type == kTfLiteAffineQuantization) {
        const TfLiteAffineQuantization *affine = tensor->quantization.params;
        if (!is_memory(ends, affine, sizeof *affine) || !is_memory(ends, affine->scale, 4)) return 0;
        if (affine->scale->size < 0 || !is_memory(ends, affine->scale, 4 + 4 * (size_t)affine->scale->size)) return 0;
    }
    if (tensor->allocation_type != kTfLiteMmapRo || (size_t)tensor->type >= sizeof element_bytes || !element_bytes[tensor->type]) return 1;
    size_t bytes = element_bytes[tensor->type];
    for (int i = 0; i < tensor->dims->size; i++) bytes *= tensor->dims->data[i];
    return tensor->bytes == bytes;
}

static const char *test_tensors(const int ends[2], const TfLiteContext *context) {
    if (!context->tensors_size || context->tensors_size > 1 << 20) return "a number of tensors that cannot be";
    if (!is_memory(ends, context->tensors, context->tensors_size * sizeof *context->tensors)) return "no array of tensors";
    for (size_t t = 0; t < context->tensors_size; t++)
        if (!is_tensor(ends, &context->tensors[t])) return "tensors of another layout";
    return NULL;
}

static const char *test_node(const int ends[2], TfLiteContext *context, int index) {
    TfLiteNode *node = NULL;
    TfLiteRegistration *registration = NULL;
    if (context->GetNodeAndRegistration(context, index, &node, &registration) != kTfLiteOk) return "nodes that cannot be had";
    if (!is_memory(ends, node, sizeof *node) || !is_memory(ends, registration, offsetof(TfLiteRegistration, registration_external)))
        return "no nodes where nodes should be";
    const int most = (int)context->tensors_size - 1;
    if (!is_int_array(ends, node->inputs, 1 << 16, -1, most) || !is_int_array(ends, node->outputs, 1 << 16, -1, most)) return "nodes of another layout";
    if (registration->builtin_code < 0 || registration->builtin_code > 4096) return "registrations of another layout";
    return NULL;
}

static const char *test_with(const int ends[2], TfLiteContext *context) {
    if (!is_memory(ends, context, sizeof *context)) return "a context that is too short";
    const void *functions[] = {(void *)context->GetExecutionPlan, (void *)context->ReportError, (void *)context->GetNodeAndRegistration,
                               (void *)context->ReplaceNodeSubsetsWithDelegateKernels, (void *)context->PreviewDelegatePartitioning};
    for (unsigned i = 0; i < sizeof functions / sizeof *functions; i++)
        if (!is_memory(ends, (const void *)((uintptr_t)functions[i] & ~(uintptr_t)3), 4)) return "no functions where functions should be";
    const char *fault = test_tensors(ends, context);
    if (fault) return fault;
    TfLiteIntArray *plan = NULL;
    if (context->GetExecutionPlan(context, &plan) != kTfLiteOk || !is_int_array(ends, plan, 1 << 20, 0, 1 << 20)) return "no plan of execution";
    for (int i = 0; i < plan->size; i++)
        if ((fault = test_node(ends, context, plan->data[i]))) return fault;
    return NULL;
}

const char *rm_selftest(TfLiteContext *context) {
    int ends[2];
    if (pipe(ends)) return "no pipe to test its memory with";
    const char *fault = test_with(ends, context);
    close(ends[0]);
    close(ends[1]);
    return fault;
}
