import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { t } from '../language'
import { Told, dialogs } from './told'

// Dialog is modal: Escape closes it, and the keyboard stays inside meanwhile.
export function Dialog({ title, close, children }: { title: string; close: () => void; children: ComponentChildren }) {
  const box = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const dialog = box.current!
    dialog.showModal()
    dialogs.value++
    return () => {
      dialogs.value--
      dialog.close() // or the keyboard would not be back where it was
    }
  }, [])
  return (
    <dialog ref={box} aria-label={title} onClose={close} onClick={(e) => { if (e.target === box.current) close() }}>
      <div class="inner">
        <header><h2>{title}</h2><button type="button" class="plain" onClick={close} aria-label={t('关闭', 'Close')}>✕</button></header>
        {children}
        <Told inDialog />
      </div>
    </dialog>
  )
}
