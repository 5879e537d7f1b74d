#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

// linux/mempolicy.h
enum { policy_default = 0, policy_preferred = 1, policy_interleave = 3 };

// As many pages as one call takes: UIO_MAXIOV of linux/uio.h.
enum { most_pages = 1024 };

long ksmd_unshare_pages(pid_t pid, const unsigned long *addresses, size_t count) {
    struct iovec remote[most_pages];
    char bytes[most_pages];
    if (count > most_pages)
        count = most_pages;
    for (size_t i = 0; i < count; i++)
        remote[i] = (struct iovec){.iov_base = (void *)addresses[i], .iov_len = 1};
    struct iovec local = {.iov_base = bytes, .iov_len = count};
    ssize_t read = process_vm_readv(pid, &local, 1, remote, count, 0);
    return read < 0 ? -errno : read;
}

int ksmd_prefer_node(int node) {
    // A mask of 1,024 nodes: MAX_NUMNODES of x86-64 at most.
    unsigned long mask[1024 / (8 * sizeof(unsigned long))] = {0};
    const size_t bits = 8 * sizeof(unsigned long);
    if (node < 0)
        return syscall(SYS_set_mempolicy, policy_default, NULL, 0UL) == 0 ? 0 : errno;
    if (node >= 1024)
        return EINVAL;
    mask[(size_t)node / bits] = 1UL << ((size_t)node % bits);
    // The kernel takes one bit less than it is told (get_nodes of mm/mempolicy.c).
    return syscall(SYS_set_mempolicy, policy_preferred, mask, 1025UL) == 0 ? 0 : errno;
}

pid_t ksmd_fork_unmerger(int descriptor, const int *nodes, size_t count) {
    unsigned long mask[1024 / (8 * sizeof(unsigned long))] = {0};
    const size_t bits = 8 * sizeof(unsigned long);
    for (size_t i = 0; i < count; i++)
        if (nodes[i] >= 0 && nodes[i] < 1024)
            mask[(size_t)nodes[i] / bits] |= 1UL << ((size_t)nodes[i] % bits);
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid != 0)
        return pid < 0 ? -errno : pid;
    // A terminal's ^C is for the command that was typed, which kills this one.
    setpgid(0, 0);
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    // Without its supervisor nobody would stop it when memory ends.
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != parent)
        _exit(ECANCELED);
    if (dup2(descriptor, 0) < 0)
        _exit(errno);
    close_range(1, ~0U, 0);
    // A guest's calls of mmap wait while it walks through that guest: it should not wait for a processor meanwhile.
    setpriority(PRIO_PROCESS, 0, -20);
    if (count > 1)
        syscall(SYS_set_mempolicy, policy_interleave, mask, 1025UL);
    ssize_t written = write(0, "2\n", 2);
    _exit(written < 0 ? errno : written == 2 ? 0 : EIO);
}
