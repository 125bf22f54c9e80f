#!/bin/sh
# Puts a version beside the one that people see, and turns over once it is ready: switch.sh IMAGE
# Back again, while the old colour still stands: switch.sh --back. What was open stays open until its page is left.
set -eu
kubectl="${KUBECTL:-kubectl} --namespace ${NAMESPACE:-school}"

colour_of() { $kubectl get service "$1" --output 'jsonpath={.spec.selector.colour}'; }
show() { $kubectl patch service "$1" --patch "{\"spec\":{\"selector\":{\"app\":\"web\",\"colour\":\"$2\"}}}"; }

shown=$(colour_of web)
case $shown in
    blue) other=green ;;
    green) other=blue ;;
    *) echo "The service web shows no colour: $shown" >&2; exit 1 ;;
esac

case ${1-} in
    "") echo "Usage: switch.sh IMAGE | --back | --clear" >&2; exit 2 ;;
    --back)
        $kubectl rollout status "deployment/web-$other" --timeout=10s
        ;;
    --clear)
        # Hours later, when nobody has a page of the old colour open any more.
        $kubectl scale "deployment/web-$other" --replicas=0
        exit
        ;;
    *)
        wanted=$($kubectl get "deployment/web-$shown" --output 'jsonpath={.spec.replicas}')
        $kubectl set image "deployment/web-$other" "web=$1"
        $kubectl scale "deployment/web-$other" --replicas="$wanted"
        $kubectl rollout status "deployment/web-$other" --timeout=600s
        # Programs and background work follow one pod at a time: versions side by side understand each other's data.
        for name in api worker; do
            $kubectl set image "deployment/$name" "$name=$1"
            $kubectl rollout status "deployment/$name" --timeout=600s
        done
        ;;
esac
show web "$other"
show web-next "$shown"
echo "People see $other now; $shown still stands: switch.sh --back"
