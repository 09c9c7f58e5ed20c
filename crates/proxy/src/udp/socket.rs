//! Datagrams with the address that they were sent to: on a socket that listens on all addresses an answer must come from
//! the one that the client knows, which the kernel says and takes beside each datagram (`IP_PKTINFO`, RFC 3542 6).

use nix::{
    libc,
    sys::socket::{
        ControlMessage, ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, sendmsg, setsockopt,
        sockopt::{Ipv4PacketInfo, Ipv6RecvPacketInfo},
    },
};
use std::{
    io::{self, IoSlice, IoSliceMut},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6},
    os::fd::{AsFd, AsRawFd},
};
use tokio::{io::Interest, net::UdpSocket};

/// Room for the kernel's word on the destination.
const CONTROL: usize = 64;

/// A client as the kernel names it: IPv4 clients of a dual-stack socket have mapped addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Client {
    /// Where it sends from.
    pub(super) peer: SocketAddr,
    /// Where it sends to.
    pub(super) to: Option<IpAddr>,
}

/// Asks for the destination of each datagram.
pub(crate) fn note_destinations(socket: &impl AsFd, address: SocketAddr) -> io::Result<()> {
    match address {
        SocketAddr::V4(_) => setsockopt(socket, Ipv4PacketInfo, &true)?,
        SocketAddr::V6(_) => setsockopt(socket, Ipv6RecvPacketInfo, &true)?,
    }
    Ok(())
}

/// Takes one datagram, if there is one.
pub(super) fn receive(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<(usize, Client)> {
    socket.try_io(Interest::READABLE, || {
        let (mut control, mut parts) = ([0; CONTROL], [IoSliceMut::new(buffer)]);
        let flags = MsgFlags::MSG_DONTWAIT;
        let message = recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut parts, Some(&mut control), flags)?;
        let to = message.cmsgs()?.find_map(|message| match message {
            ControlMessageOwned::Ipv4PacketInfo(info) => Some(IpAddr::V4(v4(info.ipi_addr))),
            ControlMessageOwned::Ipv6PacketInfo(info) => Some(IpAddr::V6(info.ipi6_addr.s6_addr.into())),
            _ => None,
        });
        let peer = message.address.as_ref().and_then(socket_address);
        let peer = peer.ok_or_else(|| io::Error::other("a datagram from nowhere"))?;
        Ok((message.bytes, Client { peer, to }))
    })
}

/// Answers a client, if that can be done at once.
pub(super) fn answer(socket: &UdpSocket, bytes: &[u8], client: Client) -> io::Result<()> {
    let (fd, parts, flags) = (socket.as_raw_fd(), [IoSlice::new(bytes)], MsgFlags::MSG_DONTWAIT);
    let to = Some(SockaddrStorage::from(client.peer));
    match client.to {
        Some(IpAddr::V4(ip)) => {
            let ipi_spec_dst = libc::in_addr { s_addr: u32::from_ne_bytes(ip.octets()) };
            let info = libc::in_pktinfo { ipi_ifindex: 0, ipi_spec_dst, ipi_addr: libc::in_addr { s_addr: 0 } };
            sendmsg(fd, &parts, &[ControlMessage::Ipv4PacketInfo(&info)], flags, to.as_ref())?;
        }
        Some(IpAddr::V6(ip)) => {
            let info = libc::in6_pktinfo { ipi6_addr: libc::in6_addr { s6_addr: ip.octets() }, ipi6_ifindex: 0 };
            sendmsg(fd, &parts, &[ControlMessage::Ipv6PacketInfo(&info)], flags, to.as_ref())?;
        }
        None => drop(sendmsg(fd, &parts, &[], flags, to.as_ref())?),
    }
    Ok(())
}

/// Sends to what the socket is connected to, if that can be done at once. The runtime is not asked: of a new socket it does
/// not know yet that it can be written to.
pub(super) fn send(socket: &UdpSocket, bytes: &[u8]) -> io::Result<()> {
    socket2::SockRef::from(socket).send(bytes).map(|_| ())
}

fn v4(address: libc::in_addr) -> Ipv4Addr {
    Ipv4Addr::from(address.s_addr.to_ne_bytes())
}

fn socket_address(address: &SockaddrStorage) -> Option<SocketAddr> {
    if let Some(address) = address.as_sockaddr_in() {
        return Some(SocketAddrV4::new(address.ip(), address.port()).into());
    }
    let address = address.as_sockaddr_in6()?;
    Some(SocketAddrV6::new(address.ip(), address.port(), address.flowinfo(), address.scope_id()).into())
}

/// A socket that sends to and hears from `address` alone.
pub(super) fn connect(address: SocketAddr) -> io::Result<UdpSocket> {
    let any: IpAddr = if address.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = std::net::UdpSocket::bind((any, 0))?;
    socket.connect(address)?;
    socket.set_nonblocking(true)?;
    UdpSocket::from_std(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_comes_from_the_address_that_was_asked() {
        for bound in ["0.0.0.0:0", "[::]:0"] {
            let std = std::net::UdpSocket::bind(bound).unwrap();
            std.set_nonblocking(true).unwrap();
            note_destinations(&std, bound.parse().unwrap()).unwrap();
            let socket = UdpSocket::from_std(std).unwrap();
            let asked: SocketAddr = format!("127.0.0.77:{}", socket.local_addr().unwrap().port()).parse().unwrap();
            let client = connect(asked).unwrap();
            client.send(b"hello").await.unwrap();
            socket.readable().await.unwrap();
            let mut buffer = [0; 100];
            let (length, from) = receive(&socket, &mut buffer).unwrap();
            assert_eq!(&buffer[..length], b"hello");
            assert_eq!(from.to.unwrap().to_canonical(), asked.ip());
            assert_eq!(receive(&socket, &mut buffer).unwrap_err().kind(), io::ErrorKind::WouldBlock);
            answer(&socket, b"world", from).unwrap();
            assert_eq!(client.recv(&mut buffer).await.unwrap(), 5, "the kernel lets nothing else through");
        }
    }
}
