// A stand-in for a guest, for the micro VMs: it fills memory on chosen nodes, lets the kernel merge it, and says where its
// pages are. Installed under the name qemu-system-x86_64, so that ksmd takes it for a guest.
//
// Usage: qemu-system-x86_64 -name guest=NAME [OPTION VALUE]…
//
//   --mib M         size of its memory (default 48)
//   --equal P       percentage whose contents are equal in all guests with the same seed (default 75); the rest is unique
//   --zero P        percentage full of zeros (default 0), of what would be unique
//   --layout L      blocks: first the equal pages, then the unique ones, then the zeros (default); mixed: in turn
//   --seed S        see there (default 1)
//   --distinct N    only N different pages in the equal part (default: all are different)
//   --node N        touches its memory on node N under the default policy, and stays on the CPUs of that node
//   --split A,B     the first half of each part on node A, the second half on node B
//   --bind N        the memory is bound to node N (mbind), whatever the other options say
//   --dir DIR       where its files are (default /tmp)
//   --kvm 1         has an empty virtual machine of KVM, which the kernel tells those who listen (needs /dev/kvm)
//
// It writes DIR/NAME.pid and, when its memory is filled, DIR/NAME.pages. Then it obeys lines written to the pipe
// DIR/NAME.command, and answers each by replacing DIR/NAME.answer:
//
//   report          counts its pages by node and writes DIR/NAME.pages: "equal node0=12 node1=0", "unique …", "zero …";
//                   with --split also "left …" and "right …", the halves of the equal part
//   check           "wrong=N": pages whose contents are not what was written
//   grow M          M MiB more, unique
//   diverge R       from now on writes R pages of the equal part per second, until all are written or R is 0
//   move N          goes to node N with its CPUs, and takes with it what the kernel lets it take (migrate_pages)
//   stall P         calls mmap and munmap in a thread, with pauses of P microseconds
//   stalls          ends that; "calls=N p50=A p99=B max=C", microseconds per call
//   fork            starts a child that shares all memory and does nothing
//   quit
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { page = 4096, max_nodes = 64, none = -1 };
enum { mpol_default = 0, mpol_preferred = 1, mpol_bind = 2 };  // linux/mempolicy.h

// A piece of memory with one kind of contents.
struct part {
    const char *name;
    char *start;
    uint32_t *order;  // where its pages are, counted from start; NULL when one follows the other
    long pages;
    long diverged;  // so many pages at its start have been written over
};

static const char *name = "guest", *directory = "/tmp";
static long mib = 48, equal_percent = 75, zero_percent, distinct;
static int mixed, has_machine;
static uint64_t seed = 1;
static int first_node = none, second_node = none, bound_node = none;
static struct part equal = {.name = "equal"}, unique = {.name = "unique"}, zero = {.name = "zero"};
static struct part *const parts[] = {&equal, &unique, &zero};
enum { part_count = sizeof parts / sizeof parts[0] };
static long rate;  // of divergence, pages per second

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

// Replaces DIR/NAME.suffix in one step, so that a reader finds all of it or nothing.
static void publish(const char *suffix, const char *format, ...) {
    char path[256], final[256];
    snprintf(final, sizeof final, "%s/%s.%s", directory, name, suffix);
    snprintf(path, sizeof path, "%s/.%s.%s", directory, name, suffix);
    FILE *file = fopen(path, "w");
    if (!file) fail(path);
    va_list arguments;
    va_start(arguments, format);
    vfprintf(file, format, arguments);
    va_end(arguments);
    if (fclose(file) || rename(path, final)) fail(final);
}

// MARK: Nodes

// The CPUs of a node; 0 when it has none.
static int cpus_of(int node, cpu_set_t *set) {
    char path[64], text[1024] = "";
    snprintf(path, sizeof path, "/sys/devices/system/node/node%d/cpulist", node);
    FILE *file = fopen(path, "r");
    if (!file) fail(path);
    if (!fgets(text, sizeof text, file)) text[0] = 0;
    fclose(file);
    CPU_ZERO(set);
    for (char *word = strtok(text, ",\n"); word; word = strtok(NULL, ",\n")) {
        int from, to;
        if (sscanf(word, "%d-%d", &from, &to) != 2) to = from = atoi(word);
        for (int cpu = from; cpu <= to; cpu++) CPU_SET(cpu, set);
    }
    return CPU_COUNT(set);
}

static void set_policy(int mode, int node) {
    unsigned long mask = node == none ? 0 : 1ul << node;
    if (syscall(SYS_set_mempolicy, mode, mask ? &mask : NULL, mask ? max_nodes + 1 : 0)) fail("set_mempolicy");
}

// From now on new memory comes from this node: by running there, or by the policy where the node has no CPU.
static void go_to(int node) {
    cpu_set_t set;
    if (node == none) return;
    if (cpus_of(node, &set)) {
        set_policy(mpol_default, none);
        if (sched_setaffinity(0, sizeof set, &set)) fail("sched_setaffinity");
    } else {
        set_policy(mpol_preferred, node);
    }
}

// MARK: Memory

static uint64_t mix(uint64_t x) {  // splitmix64
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

// What page i of a part begins with.
static uint64_t contents(const struct part *part, long i) {
    if (part == &zero) return 0;
    if (part == &equal && i >= part->diverged) return mix(mix(seed) + (uint64_t)(distinct ? i % distinct : i));
    return mix(mix((uint64_t)getpid() << 32 ^ (uintptr_t)part) + (uint64_t)i);
}

static uint64_t last_word(const struct part *part, uint64_t first) { return part == &zero ? 0 : ~first; }

static char *at(const struct part *part, long i) { return part->start + (part->order ? part->order[i] : i) * page; }

static void write_page(const struct part *part, long i) {
    uint64_t *words = (uint64_t *)at(part, i);
    words[0] = contents(part, i);
    words[page / 8 - 1] = last_word(part, words[0]);
}

static char *map(long pages) {
    char *area = mmap(NULL, pages * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (area == MAP_FAILED) fail("mmap");
    madvise(area, pages * page, MADV_NOHUGEPAGE);
    if (madvise(area, pages * page, MADV_MERGEABLE)) fail("madvise");
    unsigned long mask = 1ul << bound_node;
    if (bound_node != none && syscall(SYS_mbind, area, pages * page, mpol_bind, &mask, max_nodes + 1, 0)) fail("mbind");
    return area;
}

static void fill(const struct part *part) {
    long half = second_node == none ? part->pages : part->pages / 2;
    go_to(first_node);
    for (long i = 0; i < half; i++) write_page(part, i);
    go_to(second_node);
    for (long i = half; i < part->pages; i++) write_page(part, i);
}

// Gives each part its pages of the memory at `start`.
static void lay_out(char *start) {
    long all = 0, given[part_count] = {0};
    for (int p = 0; p < part_count; p++) {
        parts[p]->start = start + (mixed ? 0 : all * page);
        if (mixed && !(parts[p]->order = calloc(parts[p]->pages + 1, sizeof(uint32_t)))) fail("calloc");
        all += parts[p]->pages;
    }
    for (long i = 0; mixed && i < all; i++) {
        int next = 0;  // the part that is most behind its share
        for (int p = 1; p < part_count; p++)
            if (parts[p]->pages * (i + 1) - given[p] * all > parts[next]->pages * (i + 1) - given[next] * all) next = p;
        parts[next]->order[given[next]++] = (uint32_t)i;
    }
}

// One node: the CPUs stay, the policy becomes the default. Two nodes: all CPUs.
static void settle(void) {
    set_policy(mpol_default, none);
    if (second_node == none) return;
    cpu_set_t all;
    memset(&all, 0xff, sizeof all);
    if (sched_setaffinity(0, sizeof all, &all)) fail("sched_setaffinity");
}

// Contiguous with the equal part when it is the first; a later one is counted, and forgotten otherwise.
static struct part grown[256];
static int growths;

static int grow(long more) {
    if (growths == 256) return ENOSPC;
    struct part *part = &grown[growths];
    *part = (struct part){.name = "grown", .pages = more * 256};
    part->start = map(part->pages);
    growths++;
    fill(part);
    settle();
    return 0;
}

// MARK: Reports

// Adds pages of a part to its counts by node; the last count is that of pages that are nowhere.
static void count(const struct part *part, long from, long to, long *nodes) {
    enum { batch = 4096 };
    static void *pages[batch];
    static int status[batch];
    for (long done = from; done < to;) {
        long size = to - done < batch ? to - done : batch;
        for (long i = 0; i < size; i++) pages[i] = at(part, done + i);
        if (syscall(SYS_move_pages, 0, size, pages, NULL, status, 0)) fail("move_pages");
        for (long i = 0; i < size; i++) nodes[status[i] >= 0 && status[i] < max_nodes ? status[i] : max_nodes]++;
        done += size;
    }
}

static void line_of(char *text, size_t size, const char *title, const long *nodes) {
    int length = snprintf(text, size, "%s", title);
    for (int node = 0; node < max_nodes; node++) {
        char path[64];
        snprintf(path, sizeof path, "/sys/devices/system/node/node%d", node);
        if (nodes[node] || !access(path, F_OK)) length += snprintf(text + length, size - length, " node%d=%ld", node, nodes[node]);
    }
    snprintf(text + length, size - length, " absent=%ld\n", nodes[max_nodes]);
}

// Adds a line about pages of a part, and about the parts that have grown.
static void append(char *text, size_t size, const char *title, const struct part *part, long from, long to, int grown_too) {
    long nodes[max_nodes + 1] = {0};
    size_t length = strlen(text);
    count(part, from, to, nodes);
    for (int i = 0; grown_too && i < growths; i++) count(&grown[i], 0, grown[i].pages, nodes);
    line_of(text + length, size - length, title, nodes);
}

static void report(void) {
    char text[5 * 2048] = "";
    for (int p = 0; p < part_count; p++)
        if (parts[p] != &zero || zero.pages) append(text, sizeof text, parts[p]->name, parts[p], 0, parts[p]->pages, parts[p] == &unique);
    if (second_node != none) {
        append(text, sizeof text, "left", &equal, 0, equal.pages / 2, 0);
        append(text, sizeof text, "right", &equal, equal.pages / 2, equal.pages, 0);
    }
    publish("pages", "%s", text);
}

static long wrong_pages(const struct part *part) {
    long wrong = 0;
    for (long i = 0; i < part->pages; i++) {
        const uint64_t *words = (const uint64_t *)at(part, i);
        wrong += words[0] != contents(part, i) || words[page / 8 - 1] != last_word(part, words[0]);
    }
    return wrong;
}

// MARK: Stalls

// Calls by their time in microseconds: each up to 256, then 128 steps for each doubling.
enum { fine = 256, steps = 128, bucket_count = fine + 24 * steps };
static long buckets[bucket_count];
static long call_count;
static double longest;
static volatile int stalling;
static long stall_pause;
static pthread_t stall_thread;

static int bucket_of(uint64_t time) {
    if (time < fine) return (int)time;
    int power = 63 - __builtin_clzll(time);  // 8 or more
    int bucket = fine + (power - 8) * steps + (int)(time >> (power - 7)) - steps;
    return bucket < bucket_count ? bucket : bucket_count - 1;
}

// The least time of a bucket.
static uint64_t time_of(int bucket) {
    if (bucket < fine) return (uint64_t)bucket;
    bucket -= fine;
    return (uint64_t)(steps + bucket % steps) << (bucket / steps + 1);
}

static uint64_t percentile(int percent) {
    long below = 0;
    int bucket = 0;
    while (bucket < bucket_count - 1 && (below += buckets[bucket]) <= call_count * percent / 100) bucket++;
    return time_of(bucket);
}

static void record(double since) {
    double time = (now() - since) * 1e6;
    buckets[bucket_of((uint64_t)time)]++;
    call_count++;
    if (time > longest) longest = time;
}

static void *stall(void *unused) {
    (void)unused;
    do {
        double begin = now();
        void *area = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        record(begin);
        begin = now();
        munmap(area, page);
        record(begin);
        if (stall_pause) usleep(stall_pause);
    } while (stalling);
    return NULL;
}

static void end_stall(void) {
    if (!stalling) {
        publish("answer", "error: not stalling\n");
        return;
    }
    stalling = 0;
    pthread_join(stall_thread, NULL);
    publish("answer", "calls=%ld p50=%lu p99=%lu max=%.0f\n", call_count, percentile(50), percentile(99), longest);
}

// MARK: Commands

static void move(int node) {
    unsigned long all = ~0ul, target = 1ul << node;
    first_node = node;
    second_node = none;
    go_to(node);
    long left = syscall(SYS_migrate_pages, 0, max_nodes + 1, &all, &target);
    settle();
    publish("answer", left < 0 ? "error: %ld\n" : "left=%ld\n", left < 0 ? (long)errno : left);
}

// The child ends with its parent.
static void fork_child(void) {
    pid_t child = fork();
    if (child < 0) fail("fork");
    if (child > 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) pause();
}

// A command and its number, 0 when there is none.
static void obey(const char *command, long value) {
    if (!strcmp(command, "report")) {
        report();
        publish("answer", "done\n");
    } else if (!strcmp(command, "check")) {
        long wrong = 0;
        for (int p = 0; p < part_count; p++) wrong += wrong_pages(parts[p]);
        for (int i = 0; i < growths; i++) wrong += wrong_pages(&grown[i]);
        publish("answer", "wrong=%ld\n", wrong);
    } else if (!strcmp(command, "grow")) {
        publish("answer", grow(value) ? "error: too often\n" : "done\n");
    } else if (!strcmp(command, "diverge")) {
        rate = value;
        publish("answer", "done\n");
    } else if (!strcmp(command, "move")) {
        move((int)value);
    } else if (!strcmp(command, "stall") && !stalling) {
        stall_pause = value;
        memset(buckets, 0, sizeof buckets);
        call_count = 0;
        longest = 0;
        stalling = 1;
        if (pthread_create(&stall_thread, NULL, stall, NULL)) fail("pthread_create");
        publish("answer", "done\n");
    } else if (!strcmp(command, "stalls")) {
        end_stall();
    } else if (!strcmp(command, "fork")) {
        fork_child();
        publish("answer", "done\n");
    } else if (!strcmp(command, "quit")) {
        exit(0);
    } else {
        publish("answer", "error: unknown command %s\n", command);
    }
}

// Writes what is due of the equal part; the time of the last writing is kept here.
static void diverge(void) {
    static double last;
    static double due;
    double time = now();
    due = rate && last ? due + rate * (time - last) : 0;
    last = rate ? time : 0;
    for (; due >= 1 && equal.diverged < equal.pages; due--) {
        long i = equal.diverged++;
        write_page(&equal, i);
    }
    if (equal.diverged == equal.pages) rate = 0;
}

static void listen_for_commands(void) {
    char path[256], command[64];
    long value;
    snprintf(path, sizeof path, "%s/%s.command", directory, name);
    int pipe = open(path, O_RDWR);
    if (pipe < 0) fail(path);
    for (;;) {
        char line[128] = "";
        struct pollfd poll_pipe = {.fd = pipe, .events = POLLIN};
        if (poll(&poll_pipe, 1, rate ? 10 : -1) > 0) {
            for (size_t i = 0; i + 1 < sizeof line && read(pipe, line + i, 1) == 1 && line[i] != '\n'; i++) {}
            value = 0;
            if (sscanf(line, "%63s %ld", command, &value) >= 1) obey(command, value);
        }
        diverge();
    }
}

// It stays open, and so there, until the process ends.
static void make_machine(void) {
    int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    if (kvm < 0) fail("/dev/kvm");
    if (ioctl(kvm, KVM_CREATE_VM, 0) < 0) fail("KVM_CREATE_VM");
}

static void parse(int count, char **arguments) {
    for (int i = 1; i + 1 < count; i += 2) {
        const char *option = arguments[i], *value = arguments[i + 1];
        if (!strcmp(option, "-name")) name = strncmp(value, "guest=", 6) ? value : value + 6;
        else if (!strcmp(option, "--mib")) mib = atol(value);
        else if (!strcmp(option, "--equal")) equal_percent = atol(value);
        else if (!strcmp(option, "--zero")) zero_percent = atol(value);
        else if (!strcmp(option, "--layout")) mixed = !strcmp(value, "mixed");
        else if (!strcmp(option, "--seed")) seed = (uint64_t)atol(value);
        else if (!strcmp(option, "--distinct")) distinct = atol(value);
        else if (!strcmp(option, "--node")) first_node = atoi(value);
        else if (!strcmp(option, "--bind")) bound_node = atoi(value);
        else if (!strcmp(option, "--dir")) directory = value;
        else if (!strcmp(option, "--kvm")) has_machine = atoi(value);
        else if (strcmp(option, "--split") || sscanf(value, "%d,%d", &first_node, &second_node) != 2) {
            fprintf(stderr, "page-guest: unknown option %s %s\n", option, value);
            exit(2);
        }
    }
    if (bound_node != none) first_node = bound_node;
}

int main(int count, char **arguments) {
    char path[256];
    parse(count, arguments);
    publish("pid", "%d\n", getpid());
    if (has_machine) make_machine();
    snprintf(path, sizeof path, "%s/%s.command", directory, name);
    if (mkfifo(path, 0600) && errno != EEXIST) fail(path);
    equal.pages = mib * 256 * equal_percent / 100;
    zero.pages = mib * 256 * zero_percent / 100;
    unique.pages = mib * 256 - equal.pages - zero.pages;
    lay_out(map(mib * 256));
    for (int p = 0; p < part_count; p++) fill(parts[p]);
    settle();
    report();
    listen_for_commands();
}
