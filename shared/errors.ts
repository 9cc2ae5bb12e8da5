/**
 * The catalogue of all errors, as data. `code` is stable: programs may match on it, and docs/errors.md is made from this table.
 * `messageId` is the journal's MESSAGE_ID (journalctl MESSAGE_ID=…), made once with `systemd-id128 new`.
 */
export const ERRORS = {
  CONFIG_INVALID: { messageId: '5c1f0f0a3e6b4c0e9a4b3a0f6f1d2b01', hint: 'correct the configuration file and restart' },
  SPEC_INVALID: {
    messageId: '5c1f0f0a3e6b4c0e9a4b3a0f6f1d2b02',
    hint: 'correct the service file; it is read again when it is saved',
  },
  SPEC_DIRECTORY: {
    messageId: '5d5587fa54bccbe5c841ac9c313ad45f',
    hint: 'let the daemon read the directory of service files; what was in force stays in force meanwhile',
  },
  ADMIN_GROUP: {
    messageId: 'f1ddf59a6f9641ed9dfcf38d8168bc4a',
    hint: 'make the group that adminGroup names, add the user crossport to it (usermod -aG GROUP crossport), and restart; until then only root may change anything',
  },
  RPC_LISTEN: {
    messageId: 'd76960da8ce76f8c76401eb6cf47beb4',
    hint: 'free the address, or change listen or controlSocket in the configuration file, and restart',
  },
  RPC_TLS: {
    messageId: 'a50693afc5acb15268bcbebf43547330',
    hint: 'correct the files under tls in the configuration file, or put back those in /etc/crossport/pki from a copy, and restart; without a copy remove director.pem and run `crossport-director init` (a further director joins anew), or let the host join anew (`crossport-director revoke HOST`, `token`, `crossport-agent join`)',
  },
  TLS_MISSING: {
    messageId: 'c4dd7d18ce124738ba4b88c85c9e8b79',
    hint: 'give both ends certificates: `crossport-director init` and `token` on the director, `crossport-agent join` on each host; or set insecurePlaintext: true in both configuration files',
  },
  PLAINTEXT: {
    messageId: 'e887281aaceb408b9e0f12fbfb00d428',
    hint: 'give both ends certificates (`crossport-director init` and `token`, `crossport-agent join`), and take insecurePlaintext out of both configuration files',
  },
  PKI_MISSING: {
    messageId: 'b6a32bb7e6bb49afbfea34dae1b2593d',
    hint: 'run `crossport-director init` on the director, or this command on the machine where it was run',
  },
  PKI_INCOMPLETE: {
    messageId: '875133b4051e42df9a22539e4226830a',
    hint: 'put the missing file back from a copy (each host has ca.crt); if no certificate has been issued yet, because `crossport-director init` was interrupted, remove the other file and run it again',
  },
  CERTIFICATE_ENDING: {
    messageId: '6c17d624bc4f49818265b0f415e0c584',
    hint: 'see why it is not renewed (RENEWAL_FAILED); a host joins anew with `crossport-director revoke HOST`, `token` and `crossport-agent join`; replace files of your own PKI',
  },
  RENEWAL_FAILED: {
    messageId: '0eaa482e3a3e4005af51c32495c70e1e',
    hint: 'let the daemon reach the director that has the CA key (crossport-director init was run there), and write to its certificate; it tries again by itself',
  },
  KEY_TWICE: {
    messageId: '6c038179a2b84b3ba56e1b32c1a53877',
    hint: 'somebody may have a copy of the key: `crossport-director revoke HOST`, then `token` and `crossport-agent join`; a machine that was set back to an older copy of its disk looks the same, and joins anew, too',
  },
  BOOK_UNUSABLE: {
    messageId: '5471f67444d84622befea25a6350ba8f',
    hint: 'stop the director, and put authority.db back from a copy (or start the version that wrote it); without a copy move it away with its -wal and -shm, and revoke anew who was revoked',
  },
  BOOK_LOST: {
    messageId: '6e5f03d3b6054bea994330930b8daf1e',
    hint: 'stop the director and put authority.db back from a copy; without one run `crossport-director revoke HOST` for each host that was revoked, and then `crossport-director init --without-revocations`',
  },
  SETUP_UNCLEAR: {
    messageId: 'f87d29117107429e831f07e093915466',
    hint: 'name them: crossport-agent setup --bridge BRIDGE --uplink PORT',
  },
  JOIN_REFUSED: {
    messageId: 'fdc6e368821b49b5bfd52e58f16b6d5a',
    hint: 'make a new token with `crossport-director token`; for a host id that is taken run `crossport-director revoke HOST` first',
  },
  JOIN_UNWRITABLE: {
    messageId: 'a6a44c33132e44e5ab29777ac2071bfd',
    hint: 'run it as root (sudo), on a file system that is neither full nor read-only; the token is as good as before',
  },
  HOST_UNKNOWN: {
    messageId: 'dddb3696e9914eeabc62ffeda6e49b9e',
    hint: 'see the host ids in `crossport status`; the name is written down as revoked all the same, for a host with a certificate of an existing PKI may not have been here yet; a director is put out by a new CA only',
  },
  REVOKED_UNTOLD: {
    messageId: '0c526528aa9e41139de4ba7e98ef8e14',
    hint: 'restart the director (systemctl restart crossport-director): no new connection of the host is taken already, and those that it has end then',
  },
  REPORT_DISCONNECTED: {
    messageId: '1bc01066e90ab2303ad9638cd7342f78',
    hint: 'check that the director runs and that its address is reachable from this host; the host goes on without it',
  },
  REGISTRATION_INVALID: {
    messageId: '776ee9f3a90a65b96738dce21e1a7e97',
    hint: 'the agent and the director are not compatible: check their versions',
  },
  IDENTITY_REFUSED: {
    messageId: '8e34364802d845ceb0282d716cfab8dc',
    hint: 'set hostId in agent.yaml to the name in its certificate, or let the host join with a token of its own: `crossport-director token`, `crossport-agent join`',
  },
  HOST_ID_TAKEN: {
    messageId: '2d0fc77725c841a799d43ba37f316dba',
    hint: 'give each host a hostId of its own in agent.yaml (default: its host name), and restart the agent that was refused',
  },
  HOST_NAME_MISMATCH: {
    messageId: '280c6c8967cb4113b3cd41470270c48b',
    hint: 'a certificate is for one host: set hostId in agent.yaml to the name in it, or give the host a certificate of its own',
  },
  HOST_ADDRESS_TAKEN: {
    messageId: '1fa753ef6da546f7ac46a115005fcc37',
    hint: 'give the host a hostMac (default: the hardware address of its bridge) and a hostIp of its own; a host that has another name now waits until the lease of its old name ends',
  },
  HOST_SERVICE_REFUSED: {
    messageId: '2354ee7c29264bb8a4f2e43c4865c09c',
    hint: 'write a service file on the director, or allow the host to bring services of its own with hostServices in director.yaml',
  },
  VIP_NOT_ALLOWED: {
    messageId: '115937c47155454ba411b6f95e75362f',
    hint: 'name the VIPs that directors may give to VMs of this host: allowedVips in agent.yaml; or give the service another VIP',
  },
  VIP_CLAIMED: {
    messageId: '21c2f60bd2d34710a125c4c215c7bc59',
    hint: "take the address away from the VM, or give the service another VIP, where the address is rightly the VM's; allowedVips in agent.yaml settles what is guarded",
  },
  VIP_UNKNOWN: {
    messageId: '4eb8bfb067d1480b9db4302d359a2715',
    hint: 'wait until the guest agent of the VM answers, or name the VIPs that directors may use here: allowedVips in agent.yaml',
  },
  VM_NOT_ALLOWED: {
    messageId: '6910275a46a04cf1a7b6bbf162260ec1',
    hint: 'add the VM to allowedVms in agent.yaml, or take it out of the service file of the director',
  },
  GUEST_EXEC_NOT_ALLOWED: {
    messageId: 'de26ef18fa394cdfa7ab8e1c9ab62ee7',
    hint: 'set guestExec: true in agent.yaml, take another type of check, or write the service file on the host',
  },
  DOCUMENT_REFUSED: {
    messageId: 'e1cac644a391409b81c65da4e60a62df',
    hint: "see the reason; the host's agent.yaml says what directors may have it do: allowedVips, allowedVms, guestExec",
  },
  OFFER_TOO_LARGE: {
    messageId: 'f21b3bc3b49f46d5a9e013d27325d957',
    hint: 'take service files away from the director, or split the fleet: agents keep what they were told before',
  },
  REGISTRATION_LIMIT: {
    messageId: 'c56c829ac4794e12b320d48a4be0c356',
    hint: 'a fleet may have no more hosts, and a host no more real servers: use another director, or fewer real servers a host',
  },
  AGENT_SILENT: {
    messageId: 'bdb0371746c04d0ab4c5d8fbe6d9427a',
    hint: 'see the journal of crossport-agent on that host: it is stuck, or what dials in is no agent',
  },
  HOST_ADDRESS_SHARED: {
    messageId: '350296a3327e4b7abc22829bfce9b256',
    hint: 'give each host an address of its own: hostMac (or the hardware address of its bridge), and hostIp on an overlay',
  },
  REGISTRY_CONFLICT: {
    messageId: '73549bd5b08882614497b4097019a8a4',
    hint: 'give the hosts different hostMac values, or correct the service file on one of them',
  },
  STORE_FAILED: {
    messageId: '42a9bff34e1d33017ac1ef23e939f934',
    hint: 'check that the state file and its directory are writable and that the disk is not full',
  },
  STATE_NEWER: {
    messageId: 'f64ccec61bdd7728dd1781818e3ccf1b',
    hint: 'start the version that wrote it, or stop the daemon and run it once with --rebuild-state: the file is set aside and built anew from the inputs',
  },
  STATE_CORRUPT: {
    messageId: '0a445e86628a5129e40699611ab43c3f',
    hint: 'stop the daemon and run it once with --rebuild-state: the file is set aside and built anew from the inputs; installed flows stay as they are meanwhile',
  },
  SERVICE_UNKNOWN: {
    messageId: 'd9f700ae998068d051d03d0e96d7a9a0',
    hint: 'name one of the services that `crossport status` shows',
  },
  IPFIX_INVALID: {
    messageId: 'c841c9cf28cc422980dcc55e188bc698',
    hint: 'something other than the ovs-vswitchd of this machine sends to the director; `ss -ulpn` shows its port on the loopback',
  },
  CONNECTIONS_MANY: {
    messageId: '56083efcfa79462691b62daf95f65465',
    hint: 'count them with `crossport connections --count`, which does not stop the switch, or read them nevertheless with --disturb',
  },
  SERVICE_AMBIGUOUS: {
    messageId: 'a1605e7ab8dc689c3acf848dcef496b7',
    hint: 'give one of the two services another VIP, RS port or VM',
  },
  REAL_SERVER_DUPLICATE: {
    messageId: 'a4f9f1273dea6a0f060d8aa5e828ed8d',
    hint: 'name the VM once',
  },
  INGRESS_PORTS_EXHAUSTED: {
    messageId: '23a6c3817a092e5983b5421fe105f1d5',
    hint: "widen ingressPorts in the agent's configuration file and restart",
  },
  OVSDB_UNREACHABLE: {
    messageId: 'ecd2f864f633e7a7eaa34aefe7b74319',
    hint: 'start ovsdb-server (systemctl start openvswitch-switch) and check the path of its socket',
  },
  OVSDB_PROTOCOL: {
    messageId: '568b0fdab9a8067da616f69f3062dd86',
    hint: 'the process at this socket is not a working ovsdb-server; see its log',
  },
  OVSDB_CALL_FAILED: {
    messageId: '9a2068ef116d0949e9d7d58d96cebc39',
    hint: 'ovsdb-server refused the request; see the reason it gave',
  },
  OVSDB_TIMEOUT: {
    messageId: '9f4d1e7dff1b68e61810b178b4321936',
    hint: 'ovsdb-server does not answer; see its log and its load',
  },
  OVSDB_TRANSACTION: {
    messageId: '61cddb485dcf8b2ad00fa7b517d6ce20',
    hint: 'ovsdb-server did not make the change; see the reason it gave',
  },
  OVSDB_SCHEMA: {
    messageId: '747fd3953d7bba2d72a8293e8516a92f',
    hint: 'install an Open vSwitch whose schema has this column',
  },
  OPENFLOW_VALUE_INVALID: {
    messageId: 'de8ea2829502085b84e2f6dede12b83f',
    hint: 'report this with the journal around it: a flow was compiled that no switch can take',
  },
  OPENFLOW_MALFORMED: {
    messageId: 'c50d53ee57903ea7ae54bb86d50b2e20',
    hint: 'the switch sent bytes that are not OpenFlow 1.5; check that the bridge is Open vSwitch 2.10 or newer and has OpenFlow15 among its protocols',
  },
  FLOW_DUPLICATE: {
    messageId: '1cbf4dc7c12890a6cf9ae2013be55f25',
    hint: 'two objects of one host or director want the same flow: look for services or real servers that overlap',
  },
  FLOW_NOT_OURS: {
    messageId: 'b0295b323f87dbed756394451edf7357',
    hint: 'this is a defect of crossport: a flow or group was compiled outside the ids of its owner',
  },
  SWITCH_REJECTED: {
    messageId: 'ec79c6a3b8ee97f8ae164be973dfb31d',
    hint: 'Open vSwitch refused a flow or group; see which and why, and whether this version of Open vSwitch knows the field',
  },
  SWITCH_DOWN: {
    messageId: '32f0a7afd1179cb3ff2439531646f0aa',
    hint: 'ovs-vswitchd does not answer for this bridge: is it running, and does the bridge exist (ovs-vsctl br-exists)?',
  },
  SWITCH_PROTOCOL: {
    messageId: 'c9c695ff68eacb53cb48dad2903122c2',
    hint: 'Open vSwitch sent what OpenFlow 1.5 does not allow; allow OpenFlow15 on the bridge (ovs-vsctl get bridge BRIDGE protocols)',
  },
  LIBVIRT_CONNECTION: {
    messageId: '3c61a3a32ed61dcd1e500c9d697ab613',
    hint: 'check that libvirtd (or virtqemud) runs and that its socket is the one in the configuration; the agent tries again',
  },
  LIBVIRT_PROTOCOL: {
    messageId: '9b9442fd1035ff81796063c3cac49e8d',
    hint: `the peer on the libvirt socket does not speak a known version of libvirt's protocol; check the socket path and report the version of libvirt`,
  },
  LIBVIRT_ERROR: { messageId: '27e0ada1da19b94750571fac1676362f', hint: `read libvirt's own message` },
  LIBVIRT_TIMEOUT: {
    messageId: '63b2ee96fe48d2d0e1bd6928d77635c2',
    hint: 'libvirtd is overloaded or stuck; see its journal',
  },
  GUEST_NOT_RUNNING: {
    messageId: '8ee04fd7ed18249ffe778c273b63ac61',
    hint: 'start the VM; the address is set once its guest agent answers',
  },
  GUEST_NO_CHANNEL: {
    messageId: '5af1d2fadb7dedb55e539ee885bfa1fb',
    hint: `add <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel> to the domain and start it anew`,
  },
  GUEST_AGENT_NOT_CONNECTED: {
    messageId: '44866ab2919fa58aaf9b646495294dfc',
    hint: 'wait for the guest to boot; if it stays so, install and start qemu-guest-agent in the guest',
  },
  GUEST_AGENT_UNRESPONSIVE: {
    messageId: '9c3226a03130166a6e9276ab3d4c953b',
    hint: 'restart qemu-guest-agent in the guest if it does not come back; the agent tries again',
  },
  GUEST_AGENT_ERROR: { messageId: 'cfa6efe8d244f0a6bbd39c49041c77ac', hint: 'read the message of the guest agent' },
  GUEST_AGENT_FROZEN: {
    messageId: '3ac2b1647dec2b448e02554ec8db17bc',
    hint: `a backup has frozen the guest's file systems; the agent tries again after the thaw (virsh domfsthaw)`,
  },
  GUEST_COMMANDS_BLOCKED: {
    messageId: 'cd3d5dba2e570ac8ef0148e377595708',
    hint: 'allow the commands named: BLACKLIST_RPC or FILTER_RPC_ARGS in /etc/sysconfig/qemu-ga in the guest, or block-rpcs/allow-rpcs in /etc/qemu/qemu-ga.conf; then restart qemu-guest-agent',
  },
  GUEST_NIC_NOT_FOUND: {
    messageId: 'b48a63707e6bfa477d39be3b4a51de08',
    hint: 'the guest shows no network card with this hardware address: check its driver, or that the guest has not changed the address',
  },
  GUEST_COMMAND_FAILED: {
    messageId: '463d65d425f0f088d983a8278ff4fee4',
    hint: 'read the message of the command that was run in the guest',
  },
  GUEST_NO_PERSISTENCE: {
    messageId: '024cebdadcdbd8cbe8d459c208c7dad8',
    hint: 'the address works until the guest reboots, and is then set again by the agent',
  },
  GUEST_FILE_FOREIGN: {
    messageId: '3ad3bb9414a6a53cfba45cc29f8431b7',
    hint: `undo the edit in the guest, or delete what is crossport's there, a file or lines: it is then written anew`,
  },
  GUEST_REPLY_INVALID: {
    messageId: 'f0bb10981c9bd7feaad7a2b47e558d69',
    hint: `the guest agent gave an invalid answer: check the guest`,
  },
  NOT_IN_SYNC: {
    messageId: '7c3368a2e0022425220c7bee735fa064',
    hint: 'see `crossport status` for the input that is missing, mend it, and ask again',
  },
  HOST_LOST: {
    messageId: '9ff09d720729f9a628ee6b734a302d42',
    hint: 'check on that host that crossport-agent runs and that it reaches the director',
  },
  SERVICE_EMPTY: {
    messageId: '2067f10f439c681863cc180309088c93',
    hint: 'see the reasons of its real servers in `crossport status` on their hosts',
  },
  TUNNEL_PORT: {
    messageId: 'd46020ae050499b5137374330af4d2c6',
    hint: 'set type, options:remote_ip=flow and options:key=flow on the port named, remove it, or name another one as uplink',
  },
  OVERLAY_MTU: {
    messageId: '3671c0749ae82b8d4b7cc6ce62e3726c',
    hint: "give the VM's interface an MTU that fits (<mtu size='1450'/> in the domain), or the underlay a larger one",
  },
  PROBE_PORT_TAKEN: {
    messageId: '2be11b00b6dd4c155e22e6cd3ee30770',
    hint: 'give the port for health checks another name: `probePort` in agent.yaml',
  },
  PROBE_DEVICE: {
    messageId: 'e0ed955342aaaef5b551d111e7a1c64d',
    hint: `the agent needs CAP_NET_ADMIN, iproute2, and to run in ovs-vswitchd's network namespace`,
  },
  PANIC: {
    messageId: '8a4c903fba0c8df038a963b46131632f',
    hint: 'look for what all these real servers, or their checks, depend on; `panic` in the service file sets the share',
  },
  NOT_ACCEPTING: {
    messageId: '61f474a49df85c915cb2e75b6370ef8b',
    hint: 'look in the VM for the application and its port, a full backlog or a firewall; `passive` in the service file takes such a real server out',
  },
  SIGNALS_MISSING: {
    messageId: '52fc75f2a670a53b386cdec31d8584a8',
    hint: "update crossport-agent on that host, and look there for what keeps its frames from the director's second hardware address",
  },
  CONNECTION_TABLE_FULL: {
    messageId: '6163a05ad3d0400ba6d85a97353fcee2',
    hint: 'enlarge it (`sysctl -w net.netfilter.nf_conntrack_max=N`; userspace datapath: `ovs-appctl dpctl/ct-set-maxconns N`; for one service `connectionLimit` in director.yaml), or find out what fills it: `conntrack -L`, `ovs-appctl dpctl/dump-conntrack`',
  },
  FLOOD: {
    messageId: 'd2d3e659e47b436dacc1e0c3e2a8e2c8',
    hint: 'nothing has to be done for connections that exist (docs/operations.md, "Floods"). `tcpdump -ni UPLINK host VIP` on the director shows who sends; what comes from outside is best stopped at the router before it',
  },
  BRIDGE_MISSING: {
    messageId: '872e8d8cb0ec4e4899d11d4ce697464b',
    hint: 'create the bridge (ovs-vsctl add-br), or correct bridge in the configuration file and restart',
  },
  UPLINK_MISSING: {
    messageId: '300c4e6c4cee41cb95915239ea1b8ded',
    hint: 'add the port to the bridge (ovs-vsctl add-port BRIDGE UPLINK), or correct uplink in the configuration file and restart',
  },
  FLOW_RESTORE_WAIT: {
    messageId: '8964fae93ccc40eca56459625eeac78d',
    hint: '`ovs-vsctl remove open_vswitch . other_config flow-restore-wait`: the flows are there, and the switch only has to be told',
  },
  PASS_FAILED: {
    messageId: '7d23ad731ad246bab153cdfe8aeb5075',
    hint: 'see the reason; it is tried again by itself, and what was in force stays in force meanwhile',
  },
  TEARDOWN_UNFINISHED: {
    messageId: 'a52c409aeda14449888e9d8e9510d5f6',
    hint: 'see why its guest agent does not answer; it is taken away when it does, as long as the agent runs',
  },
  TEARDOWN_FORGOTTEN: {
    messageId: '22de4f33b3e646dbbc064ce256b97dc1',
    hint: 'everything is in force again; run `crossport teardown` once more when what it waited for is there',
  },
  HOST_AWAY: {
    messageId: 'f99f358ab5534b8499e582c734afabda',
    hint: 'check on that host that crossport-agent runs and that it reaches the director',
  },
  DAEMON_CRASHED: {
    messageId: 'd26bf23662b84cf7953a85f09381c6c4',
    hint: 'report it with the journal around it; flows stay in place, and the service manager starts the daemon anew',
  },
  DAEMON_SIGNALLED: {
    messageId: '140a283eeb44413f8cb290a2b11a5839',
    hint: 'somebody has sent the signal named; end a daemon with systemctl stop',
  },
  DAEMON_KILLED: {
    messageId: '41f545fc7e334153b415eb2e821e8a89',
    hint: 'see `systemctl status` and `journalctl -k`: SIGKILL, the watchdog, no memory (the kernel, or V8 on stderr), or no power',
  },
  MEMORY_LOW: {
    messageId: '399396d883824c6ca34ea529760c49c2',
    hint: 'give the daemon a larger heap (NODE_OPTIONS=--max-old-space-size=MiB in a drop-in of its unit), and report what it serves',
  },
  PASS_STUCK: {
    messageId: '4423d54de81344f58c09c1dc003a5146',
    hint: 'see the lines before; the watchdog starts the daemon anew, and flows stay in place',
  },
  TORN_DOWN: { messageId: '8d99ec4301d8610f208a2a39b416fb3f', hint: 'run `crossport resync`, or restart the daemon' },
  LIBVIRT_UNREACHABLE: {
    messageId: '484805b5e03a20470fa9b1bb1b9efcc0',
    hint: 'start libvirtd (or virtqemud) and check libvirtSocket in the configuration; until then the agent goes on with the last known VMs',
  },
  VM_UNREADABLE: {
    messageId: '40be5a32f469494c9919fc1aff9f3a9a',
    hint: 'see what `virsh dumpxml` says of it; until it can be read the last that was known of it stands, and nothing of it is taken away',
  },
  SWITCH_UNREACHABLE: {
    messageId: '6b9f70403a9a4c141fffa8703d28343d',
    hint: 'start ovs-vswitchd and check bridge and ovsRunDir in the configuration; flows are restored when it is back',
  },
  REAL_SERVER: {
    messageId: '7e3e3972312fade4094b5a3bddf0a15b',
    hint: 'see the reason; the agent tries again by itself',
  },
} as const satisfies Record<string, { messageId: string; hint: string }>

export type ErrorCode = keyof typeof ERRORS

/** The one error class: a stable code, fields for the journal, and the cause. */
export class CrossportError extends Error {
  readonly code: ErrorCode
  readonly fields: Readonly<Record<string, string | number>>

  constructor(
    code: ErrorCode,
    message: string,
    options: { fields?: Record<string, string | number>; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'CrossportError'
    this.code = code
    this.fields = options.fields ?? {}
  }
}

/** The words of whatever was thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
