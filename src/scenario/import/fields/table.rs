//! The fields and kinds that are known, and what becomes of those that are not read.

use Fate::{Each, Matters, NoBearing};

/// What is known of a field that is not modelled.
#[derive(Clone, Copy)]
pub(super) enum Fate {
    NoBearing,
    /// What the answer may miss.
    Matters(&'static str),
    /// The same, and each key below has a line of its own.
    Each(&'static str),
}

/// A path, keys between spaces, and the fate of all that is below; lists are no step, `*` is any key. The longest path counts.
pub(super) type Row = (&'static str, Fate);

/// Of every object.
pub(super) const ANY: &[Row] = &[
    ("apiVersion", NoBearing),
    ("kind", NoBearing),
    ("$schema", NoBearing),
    ("metadata", NoBearing),
    (
        "metadata annotations sidecar.istio.io/inject",
        Matters("injection by an object's own metadata: only that of the pod template is read"),
    ),
    ("status", NoBearing),
];

pub(super) const WORKLOAD: &[Row] = &[
    ("spec replicas", NoBearing),
    ("spec selector", NoBearing),
    ("spec revisionHistoryLimit", NoBearing),
    ("spec progressDeadlineSeconds", NoBearing),
    ("spec paused", Matters("a paused Deployment does not roll out; the scenario's rollouts go on")),
    ("spec strategy type", NoBearing),
    ("spec serviceName", NoBearing),
    (
        "spec podManagementPolicy",
        Matters("pods of a StatefulSet are replaced one at a time; the order of their numbers is not modelled"),
    ),
    ("spec updateStrategy", Matters("pods of a StatefulSet are replaced one at a time; partitions are not modelled")),
    ("spec volumeClaimTemplates", NoBearing),
    ("spec persistentVolumeClaimRetentionPolicy", NoBearing),
    ("spec ordinals", NoBearing),
    ("spec strategy canary", Matters("the steps of a canary are not modelled: a rollout goes on at once")),
    ("spec strategy blueGreen", Matters("a blue-green switch is not modelled: a rollout replaces pods step by step")),
    ("spec workloadRef", Matters("the pod template stands in another object, which is not in the input")),
    ("spec backoffLimit", NoBearing),
    ("spec completions", NoBearing),
    ("spec parallelism", Matters("one pod of a Job is taken")),
    ("spec minReadySeconds", NoBearing),
    ("spec strategy", NoBearing),
    ("spec completionMode", NoBearing),
    ("spec manualSelector", NoBearing),
    ("spec ttlSecondsAfterFinished", NoBearing),
    ("spec activeDeadlineSeconds", NoBearing),
    ("spec suspend", Matters("the Job is taken to run")),
    ("spec jobTemplate", NoBearing),
    ("spec jobTemplate spec parallelism", Matters("one pod of a Job is taken")),
    ("spec schedule", Matters("a CronJob runs from time to time; here it begins with the run")),
    ("spec timeZone", NoBearing),
    ("spec concurrencyPolicy", NoBearing),
    ("spec startingDeadlineSeconds", NoBearing),
    ("spec successfulJobsHistoryLimit", NoBearing),
    ("spec failedJobsHistoryLimit", NoBearing),
];

/// Of a pod, below its template.
pub(super) const POD: &[Row] = &[
    ("metadata", NoBearing),
    (
        "metadata annotations traffic.sidecar.istio.io/excludeOutboundPorts",
        Matters("calls to these ports go past the sidecar"),
    ),
    ("metadata annotations config.linkerd.io/skip-outbound-ports", Matters("calls to these ports go past the proxy")),
    ("metadata annotations proxy.istio.io/config", Matters("settings of one sidecar are not read")),
    ("spec containers name", NoBearing),
    ("spec containers image", NoBearing),
    ("spec containers imagePullPolicy", NoBearing),
    ("spec containers command", NoBearing),
    ("spec containers args", NoBearing),
    ("spec containers workingDir", NoBearing),
    ("spec containers env", NoBearing),
    ("spec containers envFrom", NoBearing),
    ("spec containers ports", NoBearing),
    ("spec containers volumeMounts", NoBearing),
    ("spec containers volumeDevices", NoBearing),
    ("spec containers securityContext", NoBearing),
    ("spec containers terminationMessagePath", NoBearing),
    ("spec containers terminationMessagePolicy", NoBearing),
    ("spec containers stdin", NoBearing),
    ("spec containers tty", NoBearing),
    ("spec containers livenessProbe", NoBearing),
    ("spec containers startupProbe", NoBearing),
    ("spec containers readinessProbe", NoBearing),
    ("spec containers lifecycle postStart", NoBearing),
    ("spec containers lifecycle preStop", NoBearing),
    ("spec containers stdinOnce", NoBearing),
    ("spec containers resizePolicy", NoBearing),
    ("spec terminationGracePeriodSeconds", NoBearing),
    ("spec activeDeadlineSeconds", NoBearing),
    ("spec hostPID", NoBearing),
    ("spec hostIPC", NoBearing),
    ("spec hostUsers", NoBearing),
    ("spec overhead", NoBearing),
    ("spec os", NoBearing),
    ("spec setHostnameAsFQDN", NoBearing),
    ("spec resourceClaims", NoBearing),
    (
        "metadata labels istio.io/use-waypoint",
        Matters("the waypoint balances calls: say `gateways` with the proxy waypoint, and `via: { gateway: … }`"),
    ),
    (
        "metadata annotations sidecar.istio.io/proxyCPULimit",
        Matters("Istio's workers follow it: say `via: { istio: { workers: … } }`"),
    ),
    ("spec containers resources", NoBearing),
    (
        "spec containers resources limits cpu",
        Matters(
            "a limit throttles a pod that uses all of it: `cpu: { limit: … }` models it, if the service time is CPU time",
        ),
    ),
    ("spec containers resources requests cpu", NoBearing),
    ("spec containers restartPolicy", NoBearing),
    ("spec initContainers", NoBearing),
    ("spec ephemeralContainers", NoBearing),
    ("spec volumes", NoBearing),
    ("spec securityContext", NoBearing),
    ("spec serviceAccountName", NoBearing),
    ("spec serviceAccount", NoBearing),
    ("spec automountServiceAccountToken", NoBearing),
    ("spec imagePullSecrets", NoBearing),
    ("spec restartPolicy", NoBearing),
    ("spec dnsPolicy", NoBearing),
    ("spec dnsConfig", NoBearing),
    ("spec schedulerName", NoBearing),
    ("spec enableServiceLinks", NoBearing),
    ("spec hostNetwork", NoBearing),
    ("spec hostAliases", NoBearing),
    ("spec hostname", NoBearing),
    ("spec subdomain", NoBearing),
    ("spec priorityClassName", NoBearing),
    ("spec priority", NoBearing),
    ("spec preemptionPolicy", NoBearing),
    ("spec runtimeClassName", NoBearing),
    ("spec shareProcessNamespace", NoBearing),
    ("spec tolerations", NoBearing),
    ("spec nodeName", Matters("pods are spread over the nodes in turn")),
    ("spec nodeSelector", Matters("pods are spread over the nodes in turn")),
    ("spec affinity", Matters("pods are spread over the nodes in turn")),
    ("spec topologySpreadConstraints", Matters("zones are not modelled; pods are spread over the nodes in turn")),
    ("spec readinessGates", Matters("a pod is Ready after `startup`; conditions of others are not modelled")),
];

pub(super) const SERVICE: &[Row] = &[
    ("spec type", NoBearing),
    ("spec clusterIP", NoBearing),
    ("spec clusterIPs", NoBearing),
    ("spec ipFamilies", NoBearing),
    ("spec ipFamilyPolicy", NoBearing),
    ("spec externalIPs", NoBearing),
    ("spec externalTrafficPolicy", NoBearing),
    ("spec allocateLoadBalancerNodePorts", NoBearing),
    ("spec healthCheckNodePort", NoBearing),
    ("spec loadBalancerIP", NoBearing),
    ("spec loadBalancerClass", NoBearing),
    ("spec loadBalancerSourceRanges", NoBearing),
    ("spec ports", NoBearing),
    ("spec selector", NoBearing),
    ("spec publishNotReadyAddresses", Matters("addresses of pods that are not Ready are not given out")),
    ("spec sessionAffinity", NoBearing),
    ("spec sessionAffinityConfig", NoBearing),
    ("spec trafficDistribution", Matters("zones are not modelled: a connection may go to any pod")),
    ("spec internalTrafficPolicy", Matters("a connection may go to a pod on any node")),
    (
        "metadata annotations service.kubernetes.io/topology-mode",
        Matters("zones are not modelled: a connection may go to any pod"),
    ),
    (
        "metadata labels istio.io/use-waypoint",
        Matters("the waypoint balances calls: say `gateways` with the proxy waypoint, and `via: { gateway: … }`"),
    ),
    ("metadata annotations balancer.linkerd.io/failure-accrual", Matters("failure accrual of Linkerd is not modelled")),
];

pub(super) const HPA: &[Row] = &[
    ("spec scaleTargetRef", NoBearing),
    ("spec metrics", Matters("only the utilization of the CPU is modelled")),
    ("spec behavior", Each("this part of the behavior is not modelled")),
    ("spec maxReplicas", Matters("the number of pods stays as it is")),
    ("spec minReplicas", Matters("the number of pods stays as it is")),
];

pub(super) const DESTINATION_RULE: &[Row] = &[
    ("spec host", NoBearing),
    ("spec exportTo", NoBearing),
    ("spec workloadSelector", Matters("the rule is taken to hold for all callers")),
    ("spec subsets", Matters("subsets are not modelled: calls go to all pods of the Service")),
    ("spec trafficPolicy portLevelSettings", Matters("settings of single ports are not read")),
    ("spec trafficPolicy loadBalancer localityLbSetting", Matters("zones are not modelled")),
    ("spec trafficPolicy tls", NoBearing),
    ("spec trafficPolicy tunnel", Matters("tunnels are not modelled")),
    ("spec trafficPolicy proxyProtocol", NoBearing),
    ("spec trafficPolicy connectionPool tcp", Each("limits of TCP connections are not modelled")),
    ("spec trafficPolicy connectionPool tcp tcpKeepalive", NoBearing),
    (
        "spec trafficPolicy connectionPool http idleTimeout",
        Matters("the idle time of the sidecar's connections is not modelled"),
    ),
    (
        "spec trafficPolicy connectionPool http h2UpgradePolicy",
        Matters("a sidecar that makes HTTP/2 of HTTP/1.1 is not modelled; gRPC is HTTP/2 in any case"),
    ),
    ("spec trafficPolicy connectionPool http maxRetries", Each("this limit of retries is not modelled")),
    ("spec trafficPolicy connectionPool http useClientProtocol", NoBearing),
    (
        "spec trafficPolicy connectionPool http maxConcurrentStreams",
        Each("this limit of the sidecar is not modelled; `grpc: { max_concurrent_streams }` of the server is"),
    ),
    ("spec trafficPolicy outlierDetection", Each("this setting of outlier detection is not modelled")),
];

/// Of objects that others look something up in.
pub(super) const LOOKED_UP: &[Row] = &[
    ("data", NoBearing),
    ("binaryData", NoBearing),
    ("immutable", NoBearing),
    ("spec", NoBearing),
    (
        "metadata labels istio.io/use-waypoint",
        Matters("the waypoint balances calls: say `gateways` with the proxy waypoint, and `via: { gateway: … }`"),
    ),
];

pub(super) const SERVICE_CONFIG: &[Row] = &[
    ("methodConfig name", NoBearing),
    ("methodConfig hedgingPolicy", Matters("hedging is not modelled")),
    ("methodConfig maxRequestMessageBytes", NoBearing),
    ("methodConfig maxResponseMessageBytes", NoBearing),
    ("retryThrottling", Matters("without a retryPolicy that is taken it has no effect")),
    ("healthCheckConfig", Matters("client-side health checks are not modelled")),
    ("loadBalancingPolicy", NoBearing),
    ("loadBalancingConfig", Each("it is not modelled; of several policies the first one that evenkeel knows is taken")),
];

pub(super) const ENVOY: &[Row] = &[
    ("admin", NoBearing),
    ("node", NoBearing),
    ("static_resources listeners", NoBearing),
    ("static_resources clusters name", NoBearing),
    ("static_resources clusters connect_timeout", NoBearing),
    ("static_resources clusters dns_lookup_family", NoBearing),
    ("static_resources clusters load_assignment", NoBearing),
    ("static_resources clusters http2_protocol_options", NoBearing),
    ("static_resources clusters typed_extension_protocol_options", NoBearing),
    ("static_resources clusters respect_dns_ttl", Matters("the name is asked for each 5 s, or at dns_refresh_rate")),
    ("static_resources clusters health_checks", Matters("active health checks are not modelled")),
    ("static_resources clusters circuit_breakers", Each("this limit is not modelled")),
    ("static_resources clusters outlier_detection", Each("this setting of outlier detection is not modelled")),
    ("static_resources clusters common_lb_config", Each("this setting of the balancer is not modelled")),
    ("static_resources clusters least_request_lb_config", Each("this setting of the balancer is not modelled")),
    ("static_resources clusters ring_hash_lb_config", Each("this setting of the balancer is not modelled")),
    ("dynamic_resources", Matters("what a control plane pushes is not known")),
];

/// Of a load generator's configuration: what it calls and what it says of the results.
pub(super) const LOAD: &[Row] = &[("", NoBearing)];

/// Kinds that are not read at all.
pub(super) const KINDS: &[(&str, Fate)] = &[
    ("Certificate", NoBearing),
    ("ClusterRole", NoBearing),
    ("ClusterRoleBinding", NoBearing),
    ("CustomResourceDefinition", NoBearing),
    ("ExternalSecret", NoBearing),
    ("Issuer", NoBearing),
    ("LimitRange", NoBearing),
    ("PersistentVolumeClaim", NoBearing),
    ("PodMonitor", NoBearing),
    ("PrometheusRule", NoBearing),
    ("RequestAuthentication", Matters("a call without a valid token is not refused")),
    ("ResourceQuota", NoBearing),
    ("Role", NoBearing),
    ("RoleBinding", NoBearing),
    ("Secret", NoBearing),
    ("ServiceAccount", NoBearing),
    ("ServiceMonitor", NoBearing),
    ("EndpointSlice", NoBearing),
    ("Endpoints", NoBearing),
    ("ServiceEntry", Matters("services outside the cluster are not modelled")),
    ("Kustomization", NoBearing),
    ("Sidecar", Matters("what a sidecar sees of the mesh is not read")),
    ("Node", Matters("how many nodes there are decides where pods are: say `cluster: { nodes: … }`")),
    ("TestRun", Matters("k6-operator's load is not read: give the output of `k6 inspect` beside the manifests")),
    ("IngressClass", NoBearing),
    ("ReferenceGrant", NoBearing),
    ("PriorityClass", NoBearing),
    ("StorageClass", NoBearing),
    ("PersistentVolume", NoBearing),
    ("ValidatingWebhookConfiguration", NoBearing),
    ("MutatingWebhookConfiguration", NoBearing),
    ("ControllerRevision", NoBearing),
    ("Lease", NoBearing),
    ("Event", NoBearing),
    ("WorkloadEntry", Matters("endpoints outside the cluster are not modelled")),
    ("ProxyConfig", Matters("settings of sidecars (`concurrency`) are not read: say `via: { istio: { workers: … } }`")),
    ("Telemetry", NoBearing),
    (
        "BackendTrafficPolicy",
        Matters("what it says of Envoy Gateway's balancing is not read: say `policy` of the gateway"),
    ),
    (
        "ClientTrafficPolicy",
        Matters("what it says of the connections of clients is not read: say `grpc` of the gateway"),
    ),
    ("EnvoyFilter", Matters("an EnvoyFilter can change anything, and is not read")),
    ("AnalysisTemplate", NoBearing),
    ("VerticalPodAutoscaler", Matters("pods keep their size")),
    ("ScaledObject", Matters("KEDA's triggers are not modelled; only an HPA on CPU is")),
];

/// What the API server writes where nobody says anything, and that is as evenkeel has it.
pub(super) const USUAL: &[(&str, &str)] = &[
    ("spec internalTrafficPolicy", "Cluster"),
    ("spec publishNotReadyAddresses", "false"),
    ("spec podManagementPolicy", "OrderedReady"),
    ("spec updateStrategy type", "RollingUpdate"),
    ("spec updateStrategy rollingUpdate partition", "0"),
    ("spec parallelism", "1"),
    ("spec suspend", "false"),
    ("spec jobTemplate spec parallelism", "1"),
    ("spec http route weight", "100"),
    ("spec rules backendRefs weight", "1"),
    ("spec paused", "false"),
];
