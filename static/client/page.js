const ROWS = 200
const state = document.querySelector('#state')
const messages = document.querySelector('#messages')

const source = new EventSource('/sse')

source.onopen = () => {
  state.textContent = 'Open: a message comes every few seconds.'
}

source.onerror = () => {
  state.textContent =
    source.readyState === EventSource.CLOSED
      ? 'Closed: the server refused the stream. Reload the page to try again.'
      : 'Waiting to reconnect…'
}

source.onmessage = ({ data, lastEventId }) => {
  const row = document.createElement('li')
  row.textContent = `${data} (id ${lastEventId})`
  messages.prepend(row)
  if (messages.childElementCount > ROWS) messages.lastElementChild.remove()
}
