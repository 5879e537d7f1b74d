#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <linux/capability.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int ksmd_set_name(const char *name) {
    return prctl(PR_SET_NAME, name, 0, 0, 0) == 0 ? 0 : errno;
}

int ksmd_die_with_parent(int signal) {
    return prctl(PR_SET_PDEATHSIG, (unsigned long)signal, 0, 0, 0) == 0 ? 0 : errno;
}

int ksmd_may_look_into_others(void) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    return syscall(SYS_capget, &header, data) == 0 && (data[0].effective & 1U << CAP_SYS_PTRACE) != 0;
}

/// In the child: no signal of the parent's is blocked or handled any more.
static void default_signals(void) {
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

pid_t ksmd_fork_writer(int descriptor, const char *text, size_t length) {
    pid_t pid = fork();
    if (pid != 0)
        return pid < 0 ? -errno : pid;
    default_signals();
    // A terminal's ^C is for the command that was typed, which puts things in order.
    setpgid(0, 0);
    if (dup2(descriptor, 0) < 0)
        _exit(errno);
    close_range(1, ~0U, 0);
    ssize_t written = write(0, text, length);
    _exit(written < 0 ? errno : (size_t)written == length ? 0 : EIO);
}

pid_t ksmd_fork_reader(struct ksmd_read *requests, size_t count) {
    pid_t pid = fork();
    if (pid != 0)
        return pid < 0 ? -errno : pid;
    default_signals();
    for (size_t i = 0; i < count; i++) {
        ssize_t n = pread(requests[i].descriptor, requests[i].buffer, sizeof requests[i].buffer, 0);
        requests[i].result = n < 0 ? -errno : (int)n;
    }
    _exit(0);
}

int ksmd_wait_child(pid_t pid, int milliseconds) {
    int handle = (int)syscall(SYS_pidfd_open, pid, 0);
    if (handle < 0)
        return -errno;
    struct pollfd ended = {.fd = handle, .events = POLLIN};
    int ready = poll(&ended, 1, milliseconds);
    int failure = ready < 0 ? errno : ETIMEDOUT;
    close(handle);
    if (ready <= 0)
        return -failure;
    int status = 0;
    if (waitpid(pid, &status, 0) < 0)
        return -errno;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

void *ksmd_shared_memory(size_t length) {
    void *memory = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

int ksmd_memory_file(const char *name) {
    int file = memfd_create(name, MFD_CLOEXEC);
    return file < 0 ? -errno : file;
}

long ksmd_seconds_ahead_of_utc(long long seconds) {
    time_t moment = (time_t)seconds;
    struct tm local;
    return localtime_r(&moment, &local) ? local.tm_gmtoff : 0;
}

void ksmd_map_large_memory(void) {
    mallopt(M_MMAP_THRESHOLD, 16 << 10);
}

void ksmd_return_free_memory(void) {
    malloc_trim(0);
}
