#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

// The multicast group in which the kernel itself speaks; what udev says is in group 2.
enum { kernel_group = 1 };

// How every message about the device kvm begins, its NUL included.
static const char beginning[] = "change@/devices/virtual/misc/kvm";

/// Lets only messages with that beginning through, so that other devices do not wake the program. Where the kernel
/// does not take it, more messages come, and reading them sorts them out.
static void attach_filter(int descriptor) {
    // Two instructions for each word of four bytes, two for the NUL, and the two ends.
    enum { words = (sizeof beginning - 1) / 4, length = 2 * words + 4 };
    _Static_assert((sizeof beginning - 1) % 4 == 0, "the beginning is made of whole words and a NUL");
    struct sock_filter code[length];
    for (unsigned i = 0; i <= words; i++) {
        const unsigned char *at = (const unsigned char *)beginning + 4 * i;
        unsigned word = i == words ? 0 : (unsigned)at[0] << 24 | (unsigned)at[1] << 16 | (unsigned)at[2] << 8 | at[3];
        unsigned size = i == words ? BPF_B : BPF_W;
        // Where the message is shorter, loading from it ends the program, and the message is dropped.
        code[2 * i] = (struct sock_filter)BPF_STMT(BPF_LD | size | BPF_ABS, 4 * i);
        unsigned char drop = (unsigned char)(length - 1 - (2 * i + 2));
        code[2 * i + 1] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, word, 0, drop);
    }
    code[length - 2] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, ~0U);
    code[length - 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
    struct sock_fprog program = {.len = length, .filter = code};
    setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

int ksmd_uevent_socket(void) {
    int descriptor = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);
    if (descriptor < 0)
        return -errno;
    attach_filter(descriptor);
    int yes = 1;
    struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = kernel_group};
    if (setsockopt(descriptor, SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes) < 0 ||
        bind(descriptor, (struct sockaddr *)&address, sizeof address) < 0) {
        int failure = errno;
        close(descriptor);
        return -failure;
    }
    return descriptor;
}

long ksmd_receive_uevent(int descriptor, void *buffer, size_t size) {
    struct sockaddr_nl sender = {0};
    union {
        char bytes[CMSG_SPACE(sizeof(struct ucred))];
        struct cmsghdr aligned;
    } control;
    struct iovec place = {.iov_base = buffer, .iov_len = size};
    struct msghdr message = {
        .msg_name = &sender,
        .msg_namelen = sizeof sender,
        .msg_iov = &place,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof control,
    };
    ssize_t count = recvmsg(descriptor, &message, 0);
    if (count < 0)
        return -errno;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    int is_from_root = header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_CREDENTIALS &&
        ((struct ucred *)CMSG_DATA(header))->uid == 0;
    int is_from_kernel = sender.nl_pid == 0 && sender.nl_groups != 0 && is_from_root;
    return is_from_kernel && !(message.msg_flags & MSG_TRUNC) ? count : 0;
}

int ksmd_process_end(pid_t pid) {
    int descriptor = (int)syscall(SYS_pidfd_open, pid, 0);
    return descriptor < 0 ? -errno : descriptor;
}

int ksmd_signal_process(int process, int signal) {
    return syscall(SYS_pidfd_send_signal, process, signal, NULL, 0U) == 0 ? 0 : errno;
}
