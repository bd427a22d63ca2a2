import { Component, type ComponentType, type VNode } from 'preact'
import { h } from 'preact'

// memo draws a part anew only when one of its properties is another. (That of preact/compat
// would bring all of React's ways along.)
export function memo<P extends object>(Part: (props: P) => VNode): ComponentType<P> {
  return class extends Component<P> {
    shouldComponentUpdate(next: P) {
      return (Object.keys(next) as (keyof P)[]).some((key) => next[key] !== this.props[key])
    }
    render() {
      return h(Part as never, this.props as never)
    }
  }
}
